"""Sends to Slack: the outbox is the only sender, and the rate limiters keep Slack's limits."""
