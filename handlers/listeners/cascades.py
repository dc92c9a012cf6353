"""Handles the buttons of cascades: the list of children, split, and join."""

from __future__ import annotations

from typing import Any

from bot.errors import Refused
from bot.language import deferred
from bot.response import IncidentService
from handlers.listeners.incidents import incident_id, incident_of_press
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views import cascade
from handlers.views.alerts import page_of


def register(listeners: Listeners) -> None:
    """Register the buttons of the card and of the list of children."""
    listeners.action("sopbot.children", show_children)
    listeners.action("sopbot.children.back", turn_children_back)
    listeners.action("sopbot.children.more", turn_children_page)
    listeners.action("sopbot.split", split)
    listeners.action("sopbot.join", join)


async def show_children(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Open the list of the incident's children, with the reason why each is one."""
    incident = await incident_of_press(body, action, service)
    modal = await children_list(service, incident.number, 0)
    await outbox.direct.open_view(str(body["trigger_id"]), modal)


async def turn_children_page(
    body: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Show the next page of the list."""
    await _turn(body, service, outbox, cascade.PAGE)


async def turn_children_back(
    body: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Show the page before."""
    await _turn(body, service, outbox, -cascade.PAGE)


async def _turn(body: dict[str, Any], service: IncidentService, outbox: Outbox, by: int) -> None:
    view = body.get("view") or {}
    number, offset = page_of(view)
    modal = await children_list(service, number, max(0, offset + by))
    await outbox.direct.update_view(str(view.get("id", "")), modal)


async def split(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Split a child from the incident whose list this is."""
    child = await service.store.incident(incident_id(action.get("value")))
    view = body.get("view") or {}
    number, offset = page_of(view)
    root_id = incident_id(number)
    if child.parent_id != root_id:
        raise Refused(
            deferred(
                "Nothing changed: {number} is no longer a child of INC-{root_id}.",
                number=child.number,
                root_id=root_id,
            )
        )
    change = await service.split(child.id, str(body["user"]["id"]))
    modal = await children_list(service, number, offset, cascade.was_split(change))
    await outbox.direct.update_view(str(view.get("id", "")), modal)


async def join(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str | None:
    """Merge the incident into the one that it is perhaps related to."""
    incident = await incident_of_press(body, action, service)
    if incident.related_id is None:
        raise Refused(deferred("Not done: this button no longer works."))
    change = await service.merge(incident.id, incident.related_id, str(body["user"]["id"]))
    return None if change.changed else cascade.merged(change, incident.related_id)


async def children_list(
    service: IncidentService, number: str, offset: int, notice: str = ""
) -> dict[str, Any]:
    """The list of the children from `offset` on; from the last page if there are fewer now."""
    content = await service.store.card_content(incident_id(number))
    last_page = max(0, len(content.children) - 1) // cascade.PAGE * cascade.PAGE
    offset = min(offset, last_page)
    shown = content.children[offset : offset + cascade.PAGE]
    alerts = [(await service.store.grouped_alerts(child.id, limit=1)).alerts for child in shown]
    joined = await service.store.joined([child.id for child in shown])
    return cascade.children_modal(
        content.incident, content.children, alerts, joined, offset, notice
    )
