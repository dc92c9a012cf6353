"""Reaches people outside of Slack while Slack is unreachable, and says that the bot is alive."""
