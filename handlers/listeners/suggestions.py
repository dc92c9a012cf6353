"""Handles the button Propose beside a step of an answer, and its modal for a target."""

from __future__ import annotations

from typing import Any

from bot.errors import Refused
from bot.language import deferred
from bot.response import IncidentService
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views.suggestions import proposed, target_modal, target_of


def register(listeners: Listeners) -> None:
    """Register the button and its modal."""
    listeners.opener("sopbot.propose", propose)
    listeners.view("sopbot.propose_modal", target_typed, shows_answer=True)


async def propose(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> str | None:
    """Propose the action, or first open the modal in which the person names its target."""
    advice_id, step = _place_of(action.get("value"))
    message = await service.store.outbox_message(f"advice:{advice_id}")
    channel = str((body.get("channel") or {}).get("id", ""))
    if message is None or message.channel != channel:
        raise Refused(deferred("Not done: this button is not on a message of its incident."))
    user = str(body["user"]["id"])
    incident, suggestion = await service.suggestions.suggestion(advice_id, step)
    if not suggestion.target:
        await service.decisions.check_person(user, "fix")
        modal = target_modal(incident, suggestion, f"{advice_id} {step}")
        await outbox.direct.open_view(str(body["trigger_id"]), modal)
        return None
    return proposed(*await service.suggestions.propose(advice_id, step, user))


async def target_typed(body: dict[str, Any], view: dict[str, Any], service: IncidentService) -> str:
    """Propose the action on the target that the person typed."""
    advice_id, step = _place_of(view.get("private_metadata"))
    user, target = str(body["user"]["id"]), target_of(view)
    return proposed(*await service.suggestions.propose(advice_id, step, user, target))


def _place_of(value: object) -> tuple[int, int]:
    advice_id, _space, step = str(value).partition(" ")
    if not all(text.isascii() and text.isdigit() and len(text) <= 12 for text in (advice_id, step)):
        raise Refused(deferred("Not done: this button no longer works."))
    return int(advice_id), int(step)
