"""Handles the feedback buttons of advice."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.errors import Refused
from bot.language import _, deferred
from bot.response import IncidentService
from handlers.listeners.registration import Listeners

FEEDBACK = re.compile(r"sopbot\.feedback(\.good|\.bad)?")  # as one element, or as two buttons


def register(listeners: Listeners) -> None:
    """Register the buttons."""
    listeners.action(FEEDBACK, give_feedback)


async def give_feedback(
    body: dict[str, Any],
    action: dict[str, Any],
    service: IncidentService,
    clock: Callable[[], datetime],
) -> str:
    """Store the person's opinion; a later press changes it."""
    user = str(body["user"]["id"])
    await service.decisions.check_person(user, "ask")
    number, _sep, opinion = str(action.get("value", "")).partition(" ")
    if not (number.isascii() and number.isdigit() and len(number) <= 12):
        raise Refused(deferred("Not done: this button no longer works."))
    channel = str((body.get("channel") or {}).get("id", ""))
    message = await service.store.outbox_message(f"advice:{number}")
    if message is None or message.channel != channel:
        raise Refused(deferred("Not done: this button is not on a message of its incident."))
    helped = opinion == "good"
    if not await service.store.give_feedback(int(number), user, clock(), helped=helped):
        raise Refused(deferred("Not done: this advice is no longer stored."))
    if helped:
        return _("Stored: this advice was helpful. Press the other button to change that.")
    return _("Stored: this advice was not helpful. Press the other button to change that.")
