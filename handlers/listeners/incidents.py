"""Handles the buttons of the card."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.errors import InputError, Refused
from bot.incidents.model import Incident
from bot.language import deferred
from bot.response import IncidentService
from bot.response.resolve_warning import what_resolving_ends
from handlers.listeners.context import holds_button, is_on_home
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views import steering
from handlers.views.alerts import PAGE, alerts_modal, page_of
from handlers.views.modals import ask_modal, question_of
from handlers.views.text import typed

LINKS = re.compile(r"sopbot\.link\..+")


def register(listeners: Listeners) -> None:
    """Register the buttons and modals of the card, and its links."""
    listeners.action("sopbot.acknowledge", acknowledge)
    listeners.opener("sopbot.resolve", resolve)
    listeners.view("sopbot.resolve_modal", confirmed)
    listeners.action("sopbot.reopen", reopen)
    listeners.action("sopbot.still_going_on", still_going_on)
    listeners.opener("sopbot.ask", ask)
    listeners.view("sopbot.ask_modal", question_submitted)
    listeners.action("sopbot.alerts.back", turn_back)
    listeners.action("sopbot.alerts.more", turn_page)
    listeners.action({"type": "block_actions", "action_id": LINKS}, followed_link)


async def acknowledge(
    body: dict[str, Any],
    action: dict[str, Any],
    service: IncidentService,
    clock: Callable[[], datetime],
) -> str | None:
    """Make the person the owner, or answer with the owner's name."""
    incident = await incident_of_press(body, action, service)
    user = str(body["user"]["id"])
    change = await service.acknowledge(incident.id, user)
    is_shown = change.changed and not change.former  # by the card itself
    return None if is_shown else steering.acknowledged(change, user, clock())


async def resolve(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Resolve the incident, or first open the confirmation unless Slack has asked already."""
    incident = await incident_of_press(body, action, service)
    user = str(body["user"]["id"])
    await service.decisions.check_person(user, "resolve")
    warning = None if incident.resolved_at else await what_resolving_ends(service.store, incident)
    if warning is None or _was_confirmed(body, action):
        await service.resolve(incident.id, user)
    else:
        box = steering.resolve_modal(incident, warning.waiting, warning.children)
        await outbox.direct.open_view(str(body["trigger_id"]), box)


def _was_confirmed(body: dict[str, Any], action: dict[str, Any]) -> bool:
    """True if the button of the pressed message has a confirmation, which Slack has shown."""
    return any(
        element.get("action_id") == action.get("action_id") and "confirm" in element
        for block in (body.get("message") or {}).get("blocks") or []
        for element in block.get("elements") or []
    )


async def confirmed(body: dict[str, Any], view: dict[str, Any], service: IncidentService) -> None:
    """Resolve the incident: the person confirmed in the modal."""
    await service.resolve(incident_id(view["private_metadata"]), str(body["user"]["id"]))


async def reopen(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str | None:
    """Reopen the incident."""
    incident = await incident_of_press(body, action, service)
    change = await service.reopen(incident.id, str(body["user"]["id"]))
    return None if change.changed else steering.reopened(change)


async def still_going_on(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str | None:
    """Record that the incident goes on."""
    incident = await incident_of_press(body, action, service)
    change = await service.still_going_on(incident.id, str(body["user"]["id"]))
    return None if change.changed else steering.went_on_already(change)


async def ask(
    body: dict[str, Any],
    action: dict[str, Any],
    service: IncidentService,
    outbox: Outbox,
) -> None:
    """Open the modal for a question."""
    incident = await incident_of_press(body, action, service)
    await outbox.direct.open_view(str(body["trigger_id"]), ask_modal(incident))


async def question_submitted(
    body: dict[str, Any], view: dict[str, Any], service: IncidentService
) -> None:
    """Enqueue the question; the answer is posted in the thread."""
    incident = await service.store.incident(incident_id(view["private_metadata"]))
    await service.advice_queue.ask(incident, question_of(view), str(body["user"]["id"]))


async def show_alerts(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Open the list of the incident's alerts."""
    incident = await incident_of_press(body, action, service)
    modal = await alerts_list(service, incident.number, 0)
    await outbox.direct.open_view(str(body["trigger_id"]), modal)


async def turn_page(body: dict[str, Any], service: IncidentService, outbox: Outbox) -> None:
    """Show the next page of the list."""
    await _turn(body, service, outbox, PAGE)


async def turn_back(body: dict[str, Any], service: IncidentService, outbox: Outbox) -> None:
    """Show the page before."""
    await _turn(body, service, outbox, -PAGE)


async def _turn(body: dict[str, Any], service: IncidentService, outbox: Outbox, by: int) -> None:
    view = body.get("view") or {}
    number, offset = page_of(view)
    offset = max(0, offset + by)
    modal = await alerts_list(service, number, offset)
    await outbox.direct.update_view(str(view.get("id", "")), modal)


async def alerts_list(service: IncidentService, number: str, offset: int) -> dict[str, Any]:
    """The list of the incident's alerts from `offset` on."""
    incident = await service.store.incident(incident_id(number))
    page = await service.store.grouped_alerts(incident.id, limit=PAGE, offset=offset)
    return alerts_modal(incident, page, offset)


async def followed_link() -> None:
    """Do nothing: the browser opens the address, but Slack delivers the press as well."""


async def incident_of_press(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> Incident:
    """The incident of the button, which must be on a message of that incident, or a Home tab.

    Raises InputError, NotFound, or Refused if the button is anywhere else.
    """
    incident = await service.store.incident(incident_id(action.get("value")))
    if is_on_home(body) and holds_button(body["view"], action):
        await service.readers.check(str(body["user"]["id"]), incident)
        return incident
    channel = str((body.get("channel") or {}).get("id", ""))
    ts = str((body.get("message") or {}).get("ts", ""))
    shown = await service.store.incident_of_message(channel, ts)
    if shown is None:
        # Slack may show the card before we have recorded its ts; by the time of this second
        # reading it may be recorded.
        is_there = await _may_be_fresh(service, incident, channel, ts)
    else:
        # A child's messages stand in the thread of its root; those of before in its own.
        is_there = shown.id in (incident.id, incident.parent_id)
    if not is_there:
        raise Refused(
            deferred(
                "Not done: this button is not on a message of {number}.", number=incident.number
            ),
            remedy=deferred("Press it on its card, or see `/incident help`."),
        )
    return incident


async def _may_be_fresh(
    service: IncidentService, incident: Incident, channel: str, ts: str
) -> bool:
    """True if that message may be its card, here or in the ops channel, or its evidence."""
    for kind in ("card", "undelivered:card", "evidence"):
        message = await service.store.outbox_message(f"{kind}:{incident.id}")
        if message is not None and message.channel == channel and message.ts in (None, ts):
            return True
    return False


def incident_id(text: object) -> int:
    """The number in a button's value or in `INC-142`."""
    digits = str(text).strip().upper().removeprefix("#").removeprefix("INC").removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12):
        raise InputError(
            deferred("{text} is not an incident number.", text=typed(str(text))),
            remedy=deferred("Example: INC-12."),
        )
    return int(digits)
