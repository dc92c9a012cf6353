"""Answers payloads that no other listener takes, so that Slack shows no broken button."""

from __future__ import annotations

import logging
import re
from typing import Any

from handlers.listeners.registration import Listeners

log = logging.getLogger(__name__)

ANYTHING = re.compile(".*")
GONE = (
    "This button no longer works; it may be from an older version. Nothing was done."
    " `/incident help` shows what can be done."
)


def register(listeners: Listeners) -> None:
    """Registered after everything else: Bolt takes the first listener that matches."""
    listeners.action(ANYTHING, pressed)
    listeners.view(ANYTHING, submitted)
    listeners.shortcut(ANYTHING, chosen)
    listeners.options(ANYTHING, opened)
    listeners.event(ANYTHING, heard)


async def pressed(action: dict[str, Any]) -> str | None:
    """A button of another app, or of an older version of ours: nothing happens, and we say so."""
    if str(action.get("action_id", "")).startswith("sopbot."):
        return GONE
    log.warning("a press that is not ours was delivered to us")
    return None


async def submitted() -> None:
    """A modal that is not ours closes."""
    log.warning("a modal that is not ours was submitted to us")


async def chosen() -> None:
    """Nothing follows."""
    log.warning("a shortcut that is not ours was delivered to us")


async def opened() -> list[dict[str, Any]]:
    """A menu that is not ours has no entries."""
    log.warning("a menu that is not ours was delivered to us")
    return []


async def heard() -> None:
    """An event that we do not use: acknowledged, otherwise Slack redelivers it."""
