"""Handles the buttons of cascades: the list of children, split, and join."""

from __future__ import annotations

from typing import Any

from bot.errors import Refused
from bot.response import IncidentService
from handlers.listeners.incidents import incident_id, incident_of_press
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views import cascade


def register(listeners: Listeners) -> None:
    """Register the buttons of the card and of the list of children."""
    listeners.action("sopbot.children", show_children)
    listeners.action("sopbot.split", split)
    listeners.action("sopbot.join", join)


async def show_children(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Open the list of the incident's children, with the reason why each is one."""
    incident = await incident_of_press(body, action, service)
    await outbox.direct.open_view(str(body["trigger_id"]), await _list(service, incident.id))


async def split(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Split a child from the incident whose list this is."""
    child = await service.store.incident(incident_id(action.get("value")))
    view = body.get("view") or {}
    root_id = incident_id(view.get("private_metadata"))
    if child.parent_id != root_id:
        raise Refused(f"Nothing changed: {child.number} is no longer a part of INC-{root_id}.")
    await service.split(child.id, str(body["user"]["id"]))
    await outbox.direct.update_view(str(view.get("id", "")), await _list(service, root_id))


async def join(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str | None:
    """Merge the incident into the one that it is perhaps related to."""
    incident = await incident_of_press(body, action, service)
    if incident.related_id is None:
        raise Refused("Not done: this button no longer works.")
    change = await service.merge(incident.id, incident.related_id, str(body["user"]["id"]))
    return None if change.changed else cascade.merged(change, incident.related_id)


async def _list(service: IncidentService, root_id: int) -> dict[str, Any]:
    content = await service.store.card_content(root_id)
    alerts = [
        (await service.store.grouped_alerts(child.id, limit=1)).alerts
        for child in content.children[: cascade.LISTED]
    ]
    return cascade.children_modal(content.incident, content.children, alerts)
