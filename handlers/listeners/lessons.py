"""Handles the buttons "Save as lesson" and "Write SOP", and the modal of a lesson."""

from __future__ import annotations

from typing import Any

from bot.advice.model import UNDETERMINED, advice_from
from bot.response import IncidentService
from handlers.listeners.incidents import incident_id, incident_of_press
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views import learning


def register(listeners: Listeners) -> None:
    """Register the buttons and the modal."""
    listeners.opener("sopbot.lesson", write_lesson)
    listeners.view("sopbot.lesson_modal", lesson_submitted)
    listeners.action("sopbot.sop_draft", draft_sop)


async def write_lesson(
    body: dict[str, Any], action: dict[str, Any], service: IncidentService, outbox: Outbox
) -> None:
    """Open the modal for a lesson, which proposes the cause that the advice names."""
    number, _space, advice_id = str(action.get("value")).partition(" ")
    incident = await incident_of_press(body, action | {"value": number}, service)
    await service.decisions.check_person(str(body["user"]["id"]))
    proposed = ""
    if advice_id:
        record = await service.store.advice(incident_id(advice_id))
        if record is not None and record.body and record.incident_id == incident.id:
            advice = advice_from(record.body)
            proposed = "" if advice.cause == UNDETERMINED else advice.cause
    modal = learning.lesson_modal(incident, proposed)
    await outbox.direct.open_view(str(body["trigger_id"]), modal)


async def lesson_submitted(
    body: dict[str, Any], view: dict[str, Any], service: IncidentService
) -> None:
    """Keep the lesson of the modal, once however often Slack delivers it; the thread shows it."""
    await service.lessons.add(
        incident_id(view["private_metadata"]),
        learning.lesson_of(view),
        str(body["user"]["id"]),
        f"view/{view['id']}",
    )


async def draft_sop(body: dict[str, Any], action: dict[str, Any], service: IncidentService) -> str:
    """Draft an SOP from the incident into its thread, once for each press."""
    incident = await incident_of_press(body, action, service)
    once = f"press/{body['trigger_id']}"
    await service.lessons.request_draft(incident.id, str(body["user"]["id"]), once)
    return learning.draft_requested(incident.number)
