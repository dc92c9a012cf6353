"""Handles what people press after an incident: an action is added, or is done."""

from __future__ import annotations

from typing import Any

from bot.errors import InputError, Refused
from bot.response import IncidentService
from handlers.listeners.incidents import incident_id
from handlers.listeners.registration import Listeners
from handlers.views import postmortem


def register(listeners: Listeners) -> None:
    """Register the button of an action's message, and the modal that adds one."""
    listeners.action("sopbot.action_done", action_done)
    listeners.view("sopbot.action_modal", action_submitted)


async def action_done(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str | None:
    """Mark the action as done; the button must be on a message of its incident."""
    number = str(action.get("value"))
    item = None
    if number.isascii() and number.isdigit() and len(number) <= 12:
        item = await service.store.action_item(int(number))
    if item is None:
        raise InputError("This button no longer works.", remedy="`/incident actions` lists them.")
    channel = str((body.get("channel") or {}).get("id", ""))
    ts = str((body.get("message") or {}).get("ts", ""))
    shown = await service.store.incident_of_message(channel, ts)
    incident = await service.store.incident(item.incident_id)
    if shown is None or shown.id not in (incident.id, incident.parent_id):
        raise Refused(
            f"Not done: this button is not on a message of {incident.number}.",
            remedy=f"Press it in the thread of {incident.number}.",
        )
    item, by_this = await service.postmortems.finish_action(item.id, str(body["user"]["id"]))
    return None if by_this else postmortem.action_done(item)


async def action_submitted(
    body: dict[str, Any], view: dict[str, Any], service: IncidentService
) -> None:
    """Add the action of the modal, once however often Slack delivers it."""
    owner, text = postmortem.action_of(view)
    user = str(body["user"]["id"])
    number = incident_id(view["private_metadata"])
    await service.postmortems.add_action(number, owner or user, text, user, f"view/{view['id']}")
