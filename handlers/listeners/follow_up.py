"""Handles the modals and buttons of post-mortems, actions, and updates to stakeholders."""

from __future__ import annotations

from typing import Any

from bot.errors import InputError, Refused, SubmitAgain
from bot.language import deferred, translated
from bot.response import IncidentService
from handlers.listeners.incidents import incident_id, incident_of_press
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views import postmortem, stakeholders


def register(listeners: Listeners) -> None:
    """Register the buttons of these messages, and their modals."""
    listeners.action("sopbot.postmortem", write_postmortem)
    listeners.action("sopbot.action_done", action_done)
    listeners.view("sopbot.action_modal", action_submitted)
    listeners.opener("sopbot.stakeholders", correct_update)
    listeners.view("sopbot.update_modal", update_submitted)


async def write_postmortem(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str:
    """Draft the next version of the post-mortem, once for each press."""
    incident = await incident_of_press(body, action, service)
    once = f"press/{body['trigger_id']}"
    version = await service.postmortems.write(incident.id, str(body["user"]["id"]), once)
    return postmortem.drafted(version)


async def action_done(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str | None:
    """Mark the action as done; the button must be on a message of its incident."""
    number = str(action.get("value"))
    item = None
    if number.isascii() and number.isdigit() and len(number) <= 12:
        item = await service.store.action_item(int(number))
    if item is None:
        raise InputError(
            deferred("This button no longer works."),
            remedy=deferred("`/incident actions` lists them."),
        )
    channel = str((body.get("channel") or {}).get("id", ""))
    ts = str((body.get("message") or {}).get("ts", ""))
    shown = await service.store.incident_of_message(channel, ts)
    incident = await service.store.incident(item.incident_id)
    if shown is None or shown.id not in (incident.id, incident.parent_id):
        raise Refused(
            deferred(
                "Not done: this button is not on a message of {number}.", number=incident.number
            ),
            remedy=deferred("Press it in the thread of {number}.", number=incident.number),
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


async def correct_update(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Open the modal with the update that is posted."""
    incident = await incident_of_press(body, action, service)
    draft = await service.stakeholders.draft(incident, str(body["user"]["id"]))
    modal = stakeholders.update_modal(incident, *draft)
    await outbox.direct.open_view(str(body["trigger_id"]), modal)


async def update_submitted(
    body: dict[str, Any], view: dict[str, Any], service: IncidentService
) -> None:
    """Post the update of the modal, or correct the posted one, once for each modal."""
    number, _sep, version = str(view["private_metadata"]).partition("/")
    try:
        await service.stakeholders.post(
            incident_id(number),
            stakeholders.update_of(view),
            str(body["user"]["id"]),
            int(version or 0),
            f"view/{view['id']}",
        )
    except SubmitAgain as error:
        posted = await service.store.stakeholder_update(incident_id(number))
        text = stakeholders.posted_meanwhile(translated(error.translatable[0]), posted)
        raise SubmitAgain(text, seen=error.seen, remedy=error.translatable[1]) from error
