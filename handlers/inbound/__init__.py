"""Receives from Slack: Socket Mode connections, alerts, and the backfill of channel histories."""
