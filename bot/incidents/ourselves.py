"""Tells an alert about the bot itself, so that the bot does not feed its own alerts."""

from __future__ import annotations

from bot.incidents.model import Alert

OURSELVES = "sopbot"
"""The `service` of the rules in deploy/alerts."""


def is_about_ourselves(alert: Alert) -> bool:
    """Return whether the alert is about the bot: slow advice must not ask for more advice."""
    return alert.service.strip().lower() == OURSELVES
