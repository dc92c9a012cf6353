"""Handles the buttons of a handover, in direct messages and on the Home tabs of its two people."""

from __future__ import annotations

from typing import Any

from bot.errors import InputError, Refused
from bot.language import deferred
from bot.response import IncidentService
from handlers.listeners.context import holds_button, is_on_home
from handlers.listeners.registration import Listeners
from handlers.views import handover as view


def register(listeners: Listeners) -> None:
    """Register both buttons."""
    listeners.action("sopbot.accept_handover", accept_handover)
    listeners.action("sopbot.cancel_handover", cancel_handover)


async def accept_handover(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str | None:
    """Make the person who pressed the owner of the incidents."""
    number = await _handover_of_press(body, action, service)
    handover, by_this = await service.handovers.accept(number, str(body["user"]["id"]))
    return None if by_this else view.ended_already(handover)


async def cancel_handover(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str | None:
    """End the handover without effect."""
    number = await _handover_of_press(body, action, service)
    handover, by_this = await service.handovers.cancel(number, str(body["user"]["id"]))
    return None if by_this else view.ended_already(handover)


async def _handover_of_press(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> int:
    """The handover of the button, which must be on one of its two messages or on a Home tab."""
    digits = str(action.get("value"))
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        raise InputError(deferred("This button no longer works."))
    if is_on_home(body) and holds_button(body["view"], action):
        return int(digits)
    channel = str((body.get("channel") or {}).get("id", ""))
    ts = str((body.get("message") or {}).get("ts", ""))
    for side in ("giver", "taker"):
        message = await service.store.outbox_message(f"handover:{digits}/{side}")
        if message and message.channel == channel and message.ts in (None, ts):
            return int(digits)
    raise Refused(deferred("Not done: this button is not on the message of its handover."))
