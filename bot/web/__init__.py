"""The bot's own HTTP door."""
