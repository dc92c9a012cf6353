"""To Slack: the outbox is the only sender; the pace is Slack's limit."""
