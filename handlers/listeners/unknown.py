"""Answers payloads that no other listener takes, so that Slack shows no broken button."""

from __future__ import annotations

import logging
import re
from typing import Any

from bot.language import N_, _
from handlers.listeners.registration import Listeners

log = logging.getLogger(__name__)

ANYTHING = re.compile(".*")
GONE = N_(
    "This button no longer works; it may be from an older version. Nothing was done. "
    "`/incident help` shows what can be done."
)


def register(listeners: Listeners) -> None:
    """Register last, because Bolt calls the first listener that matches."""
    listeners.action(ANYTHING, pressed)
    listeners.view(ANYTHING, submitted)
    listeners.shortcut(ANYTHING, chosen)
    listeners.options(ANYTHING, opened)
    listeners.event(ANYTHING, event_ignored)


async def pressed(action: dict[str, Any]) -> str | None:
    """Answer that a button of an older version does nothing; ignore one of another app."""
    if str(action.get("action_id", "")).startswith("sopbot."):
        return _(GONE)
    log.warning("a press that is not ours was delivered to us")
    return None


async def submitted() -> None:
    """Ignore a modal that is not ours; it closes."""
    log.warning("a modal that is not ours was submitted to us")


async def chosen() -> None:
    """Ignore a shortcut that is not ours."""
    log.warning("a shortcut that is not ours was delivered to us")


async def opened() -> list[dict[str, Any]]:
    """Return no entries for a menu that is not ours."""
    log.warning("a menu that is not ours was delivered to us")
    return []


async def event_ignored() -> None:
    """Ignore an event that the bot does not use: without a listener Slack would redeliver it."""
