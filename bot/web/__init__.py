"""The bot's own HTTP endpoints."""
