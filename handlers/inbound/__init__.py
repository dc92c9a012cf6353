"""From Slack: Socket Mode connections, alerts, and messages that no connection delivered."""
