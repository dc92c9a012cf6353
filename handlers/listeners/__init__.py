"""What people do in Slack: commands, buttons, modals, shortcuts, mentions."""
