"""Handles people's actions in Slack: commands, buttons, modals, shortcuts, mentions."""
