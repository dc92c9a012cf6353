"""Handles the shortcuts: "Open an incident", "Explain this alert" and "Report an incident"."""

from __future__ import annotations

from typing import Any

from bot.incidents.model import Incident, Severity
from bot.intake.slack_message import read_message
from bot.language import _
from bot.response import IncidentService
from bot.response.reports import Report
from handlers.inbound.alert_receiver import versions_of
from handlers.listeners.registration import Listeners
from handlers.outbound.outbox import Outbox
from handlers.views import mentions, report_modal
from handlers.views.places import thread_link
from handlers.views.text import Block


def register(listeners: Listeners) -> None:
    """Register the three shortcuts and the modal that two of them open."""
    listeners.shortcut("sopbot_report", report)
    listeners.shortcut("sopbot_open", open_from_message)
    listeners.shortcut("sopbot_explain", explain)
    listeners.view(report_modal.CALLBACK, reported, shows_answer=True)


async def report(body: dict[str, Any], service: IncidentService, outbox: Outbox) -> None:
    """Open the empty modal."""
    await service.decisions.check_person(str(body["user"]["id"]), "open")
    await outbox.direct.open_view(str(body["trigger_id"]), modal_for(service))


def modal_for(service: IncidentService, **defaults: Any) -> Block:
    """The modal with the environments of the policy; `defaults` are those of `report_modal`."""
    declared = service.policy.remediate.environments
    return report_modal.report_modal(tuple(declared), **defaults)


async def open_from_message(
    body: dict[str, Any], service: IncidentService, outbox: Outbox
) -> str | None:
    """Open the modal with the text of the message, unless the message is part of an incident."""
    await service.decisions.check_person(str(body["user"]["id"]), "open")
    message, channel = body.get("message") or {}, str(body["channel"]["id"])
    if incident := await incident_about(service, channel, message):
        return report_modal.known_already(incident, await service.store.card_place(incident.id))
    text = read_message(message).text
    modal = modal_for(
        service,
        title=next(iter(text.splitlines()), ""),
        text=text,
        place=f"{channel}/{message.get('ts', '')}",
    )
    await outbox.direct.open_view(str(body["trigger_id"]), modal)
    return None


async def reported(body: dict[str, Any], view: dict[str, Any], service: IncidentService) -> str:
    """Open the incident, and answer where it is."""
    values = report_modal.values_of(view)
    channel, _sep, ts = str(view.get("private_metadata") or "").partition("/")
    # One message opens one incident, even if several people report it.
    key = key_of_report(channel, ts) if ts else f"report/{view['id']}/"
    result = await service.report(
        Report(
            key=key,
            user=str(body["user"]["id"]),
            title=values.get("title", ""),
            severity=Severity(values.get("severity") or Severity.HIGH),
            service=values.get("service", ""),
            env=values.get("environment", ""),
            text=values.get("text", ""),
            channel=channel,
            link=thread_link(channel, ts) if ts else "",
        )
    )
    incident = result.incident
    place = await service.store.card_place(incident.id) if incident else None
    return report_modal.answer(incident, place, opened=result.opened)


async def explain(body: dict[str, Any], service: IncidentService) -> str:
    """Ask the advisor about the alert in the message; the answer is posted in the thread."""
    user = str(body["user"]["id"])
    await service.decisions.check_person(user, "ask")
    message, channel = body.get("message") or {}, str(body["channel"]["id"])
    incident = await incident_about(service, channel, message)
    if incident is None:
        return _(
            "This message is no alert that the bot knows, so there is nothing to "
            "explain. *Open an incident* in the same menu reports it."
        )
    place = await service.store.card_place(incident.id)
    key = f"explain/{channel}/{message.get('ts', '')}"
    first_line = next(iter(read_message(message).text.splitlines()), "") or incident.title
    question = f"Explain this alert, and what to do first: {first_line[:200]}"
    if await service.advice_queue.ask(incident, question, user, once=key):
        return mentions.question_sent(incident, place)
    return mentions.question_repeated(incident, place)


async def incident_about(
    service: IncidentService, channel: str, message: dict[str, Any]
) -> Incident | None:
    """The incident that the message is about: it is the bot's, an alert, or was reported."""
    ts = str(message.get("ts", ""))
    incident = await service.store.incident_of_message(channel, ts)
    for key in (versions_of(channel, ts), key_of_report(channel, ts)):
        incident = incident or await service.store.incident_of_delivery(key)
    return incident


def key_of_report(channel: str, ts: str) -> str:
    """The key of the report of a message."""
    return f"report/{channel}/{ts}/"
