"""Handles the buttons that end a silence, and that mute an incident."""

from __future__ import annotations

from typing import Any

from bot.errors import InputError, Refused
from bot.language import deferred
from bot.response import IncidentService
from handlers.listeners.incidents import incident_of_press
from handlers.listeners.registration import Listeners
from handlers.views import silences
from handlers.views.text import typed


def register(listeners: Listeners) -> None:
    """Register the button of a silence's message, and those of the card."""
    listeners.action("sopbot.end_silence", end_silence)
    listeners.action("sopbot.mute", mute)
    listeners.action("sopbot.unmute", unmute)


async def end_silence(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str | None:
    """End the silence; the button must be on its own message."""
    number = silence_id(action.get("value"))
    message = await service.store.outbox_message(f"silence:{number}")
    channel = str((body.get("channel") or {}).get("id", ""))
    ts = str((body.get("message") or {}).get("ts", ""))
    if message is None or message.channel != channel or message.ts not in (None, ts):
        raise Refused(
            deferred(
                "Not done: this button is not on the message of silence {number}.", number=number
            ),
            remedy=deferred("`/incident unsilence {number}` ends it.", number=number),
        )
    silence, by_this = await service.silences.end(number, str(body["user"]["id"]))
    return None if by_this else silences.ended(silence, by_this=False)


async def mute(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str | None:
    """Mute the incident until it clears."""
    incident = await incident_of_press(body, action, service)
    change = await service.silences.mute(incident.id, None, str(body["user"]["id"]))
    return None if change.changed else silences.muted(change)


async def unmute(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str | None:
    """End the mute of the incident."""
    incident = await incident_of_press(body, action, service)
    change = await service.silences.unmute(incident.id, str(body["user"]["id"]))
    return None if change.changed else silences.unmuted(change)


def silence_id(text: object) -> int:
    """The number in a button's value, or as a person typed it."""
    digits = str(text).strip().removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        raise InputError(
            deferred("{text} is not the number of a silence.", text=typed(str(text))),
            remedy=deferred("`/incident list silences` shows them."),
        )
    return int(digits)
