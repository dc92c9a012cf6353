"""Backups that the bot makes by itself: when one is due, what is in it, and whether it is good."""
