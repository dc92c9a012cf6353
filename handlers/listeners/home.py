"""Handles the opening of the bot's Home tab. Its buttons are those of cards and approvals."""

from __future__ import annotations

from typing import Any

from handlers.listeners.registration import Listeners
from handlers.outbound.home_tabs import HomeTabs


def register(listeners: Listeners) -> None:
    """Register the opening of the Home tab."""
    listeners.event("app_home_opened", home_opened)


async def home_opened(event: dict[str, Any], home_tabs: HomeTabs) -> None:
    """Publish the tab; the tab of messages is opened by the same event, and is no view."""
    if event.get("tab") == "home":
        await home_tabs.show(str(event["user"]))
