"""PagerDuty: webhooks of version 3, and the older version 2.

https://developer.pagerduty.com/docs/webhooks-overview
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.incidents.severity_words import known_severity
from bot.intake import guesses
from bot.intake.drafting import Draft, activity_about
from bot.intake.fields import an_object, text_at, time_at, value_at, wrong
from bot.intake.headline import read_headline
from bot.intake.reading import Activity, ActivityKind

# Version 2 writes `incident.trigger`, version 3 `incident.triggered`.
_ENDS = ("resolved", "resolve")
_ALERTS = ("triggered", "trigger", "reopened", "reopen", *_ENDS)
_KINDS = {
    "acknowledged": ActivityKind.ACKNOWLEDGED,
    "acknowledge": ActivityKind.ACKNOWLEDGED,
    "unacknowledged": ActivityKind.UNACKNOWLEDGED,
    "unacknowledge": ActivityKind.UNACKNOWLEDGED,
    "reassigned": ActivityKind.ASSIGNED,
    "assigned": ActivityKind.ASSIGNED,
    "assign": ActivityKind.ASSIGNED,
    "delegated": ActivityKind.ASSIGNED,
    "delegate": ActivityKind.ASSIGNED,
    "annotated": ActivityKind.COMMENTED,
    "annotate": ActivityKind.COMMENTED,
}


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for an event about an incident."""
    event = value_at(body, "event")
    if isinstance(event, dict):
        return "event_type" in event and isinstance(event.get("data"), dict)
    return text_at(body, "messages.0.event").startswith("incident.")


def parse_body(body: object) -> list[Alert | Activity]:
    """Parse one event, or the list of events of version 2."""
    whole = an_object(body, "body")
    event = value_at(whole, "event")
    if isinstance(event, dict):
        return [_event(whole, event, text_at(event, "event_type"), value_at(event, "data"))]
    messages = value_at(whole, "messages")
    if isinstance(messages, list) and messages:
        return [
            _event(whole, message, text_at(message, "event"), value_at(message, "incident"))
            for message in messages
        ]
    raise wrong("event", "an object with event_type and data, as PagerDuty sends it")


def _activity(
    event: Mapping[str, Any], kind: str, data: object, identity: Mapping[str, str]
) -> Activity:
    actor = text_at(event, "agent.summary", "agent.name")
    title = text_at(data, "incident.summary", "title", "summary", "incident.id")
    detail = text_at(data, "content", "message", "summary", "priority.summary")
    text = f"{kind.replace('_', ' ')}: {title}" + (f"\n{detail}" if detail != title else "")
    stated = _KINDS.get(kind, ActivityKind.UPDATED)
    return activity_about("pagerduty", identity, stated, text, actor=actor, is_stated=True)


def _event(
    whole: Mapping[str, Any], event: Mapping[str, Any], event_type: str, data: object
) -> Alert | Activity:
    kind = event_type.removeprefix("incident.")
    incident = text_at(data, "incident.id") or text_at(data, "id")
    if not incident:
        raise wrong("event.data.id", "the incident's id")
    identity = {"incident": incident}
    if event_type.startswith(("incident.", "service.")) and kind not in _ALERTS:
        return _activity(event, kind, data, identity)
    title = text_at(data, "title", "summary", "description") or f"PagerDuty incident {incident}"
    # An incident keeps the title that it was opened with, such as `[FIRING:1] …`.
    headline = read_headline(title)
    at = time_at(event, "occurred_at", "created_on") or time_at(data, "created_at")
    status = AlertStatus.RESOLVED if kind in _ENDS else AlertStatus.FIRING
    service = text_at(data, "service.summary", "service.name")
    priority, urgency = text_at(data, "priority.summary", "priority.name"), text_at(data, "urgency")
    known = known_severity(guesses.severity_spoken(priority)) is not None
    return Draft(
        source="pagerduty",
        status=status,
        name=headline.subject,
        title=headline.title,
        text=text_at(data, "body.details", "description", "resolve_reason.type") or title,
        env=guesses.env_inside(service.replace(" ", "-")),
        service=service,
        severity=priority if known else urgency,
        labels={
            "incident": incident,
            "number": text_at(data, "number", "incident_number"),
            "priority": priority,
            "urgency": urgency,
            "team": text_at(data, "teams.0.summary"),
            "assignee": text_at(data, "assignees.0.summary"),
        },
        starts_at=None if status is AlertStatus.RESOLVED else time_at(data, "created_at") or at,
        ends_at=at if status is AlertStatus.RESOLVED else None,
        links=[
            ("PagerDuty", text_at(data, "html_url")),
            ("Conference", text_at(data, "conference_bridge.conference_url")),
        ],
        identity=identity,
        read_from={
            "status": "field" if kind in _ALERTS else "guess",
            "severity": "label priority" if known else "label urgency",
            "env": "guess",
        },
        raw=whole,
    ).alert()
