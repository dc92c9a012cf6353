"""Handles the shortcut "This was read wrongly" of a message: keeps a case, says what was read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.errors import Refused
from bot.intake import Reading, parse_body, parse_message
from bot.language import deferred
from bot.response import IncidentService
from bot.serving.redaction import without_secrets
from handlers.inbound.alert_receiver import is_by_sopbot
from handlers.listeners.registration import Listeners
from handlers.views import readings

LARGEST = 100_000  # characters of a case


def register(listeners: Listeners) -> None:
    """Register the shortcut."""
    listeners.shortcut("sopbot.read_wrongly", read_wrongly)


async def read_wrongly(
    body: dict[str, Any], service: IncidentService, clock: Callable[[], datetime]
) -> str:
    """Keep the message as a case that `sources try` can replay, and answer what was read."""
    user = str(body["user"]["id"])
    await service.decisions.check_person(user, "ask")
    message = body.get("message")
    message = message if isinstance(message, dict) else {}
    place = f"{(body.get('channel') or {}).get('id', '')}/{message.get('ts', '')}"
    intake, source, payload = await _payload(place, message, service)
    kept = without_secrets(payload)
    text = json.dumps(kept, ensure_ascii=True)
    if len(text) > LARGEST:
        raise Refused(deferred("Not kept: the message is too large for a case."))
    number = await service.store.keep_case(place, user, intake, source, text, clock())
    return readings.kept(number, _reading(intake, source, payload, service))


async def _payload(
    place: str, message: Mapping[str, Any], service: IncidentService
) -> tuple[str, str, Any]:
    """Return slack or http, the source, and what was read.

    Of a message of the bot it is the newest alert of that incident: what came by HTTP stands in no
    message of its sender.
    """
    channel, _sep, ts = place.partition("/")
    incident = await service.store.incident_of_message(channel, ts)
    if incident is not None:
        alert = await service.store.latest_alert(incident.id)
        if alert is None or alert.raw is None:
            raise Refused(
                deferred(
                    "Not kept: no alert of {number} is stored any more.", number=incident.number
                )
            )
        return "slack" if incident.posted else "http", alert.source, alert.raw
    if is_by_sopbot(message):
        # Slack may show the card before we have recorded its ts.
        raise Refused(
            deferred("Not kept: no alert is known for this message yet."),
            remedy=deferred("Try again soon."),
        )
    if not message.get("bot_id"):
        raise Refused(
            deferred(
                "Not kept: a person wrote this, and only messages of apps are read as alerts."
            ),
            remedy=deferred("Use it on the sender's message, or on the bot's card."),
        )
    return "slack", "generic", dict(message)


def _reading(intake: str, source: str, payload: Any, service: IncidentService) -> Reading:
    if intake == "http":
        return parse_body(source, payload, service.config.current.mappings)
    return parse_message(payload if isinstance(payload, dict) else {})
