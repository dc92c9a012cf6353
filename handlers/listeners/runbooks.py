"""Handles the button "Wrong runbook" below a passage in an incident's thread."""

from __future__ import annotations

from typing import Any

from bot.language import _
from bot.response import IncidentService
from handlers.listeners.incidents import incident_of_press
from handlers.listeners.registration import Listeners
from handlers.views.text import typed


def register(listeners: Listeners) -> None:
    """Register the button."""
    listeners.action("sopbot.wrong_runbook", wrong_runbook)


async def wrong_runbook(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService
) -> str:
    """Count the passage as wrong."""
    number, _sep, passage_id = str(action.get("value", "")).partition(" ")
    incident = await incident_of_press(body, action | {"value": number}, service)
    user = str(body["user"]["id"])
    name = await service.runbooks.report_wrong(incident.id, passage_id, user)
    return _(
        "Noted: {name} now ranks behind other runbooks for this kind of alert. Once two "
        "people say so, it is no longer cited."
    ).format(name=typed(name))
