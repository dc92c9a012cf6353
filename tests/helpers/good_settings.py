"""Settings that are complete and valid."""

from __future__ import annotations

GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-secret-value",
    "SLACK_APP_TOKEN": "xapp-secret-value",
    "SLACK_ALERT_CHANNELS": "C0ALERTS01, C0ALERTS02",
    "AI_COMMAND_GATEWAY_URL": "http://127.0.0.1:8003",
    "AI_COMMAND_GATEWAY_TIMEOUT": "75",
    "AI_COMMAND_GATEWAY_SOURCE_ID": "sopbot",
    "AUDIT_KEY": "a secret key of 16 bytes or more",
}
