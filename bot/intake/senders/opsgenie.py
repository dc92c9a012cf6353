"""Opsgenie: its outgoing webhook.

https://support.atlassian.com/opsgenie/docs/integrate-opsgenie-with-webhook/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.drafting import Draft, activity_about
from bot.intake.fields import an_object, text_at, texts_at, time_at, value_at, wrong
from bot.intake.reading import Activity, ActivityKind
from bot.intake.times import read_time

_KINDS = {
    "acknowledge": ActivityKind.ACKNOWLEDGED,
    "unacknowledge": ActivityKind.UNACKNOWLEDGED,
    "assignownership": ActivityKind.ASSIGNED,
    "takeownership": ActivityKind.ASSIGNED,
    "assignowner": ActivityKind.ASSIGNED,
    "addnote": ActivityKind.COMMENTED,
    "snooze": ActivityKind.SILENCED,
    "delete": ActivityKind.ARCHIVED,
}


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for an action on an alert."""
    alert = body.get("alert")
    return "action" in body and isinstance(alert, dict) and "alertId" in alert


def parse_body(body: object) -> list[Alert | Activity]:
    """Parse one action: Create and Close are alerts, everything else is activity."""
    whole = an_object(body, "body")
    alert = value_at(whole, "alert")
    action = text_at(whole, "action")
    alias = text_at(alert, "alias") or text_at(alert, "alertId")
    if not alias:
        raise wrong("alert.alertId", "the alert's id, as Opsgenie sends it")
    identity = {"alias": alias}
    if action.lower() not in ("create", "close"):
        message = text_at(alert, "message")
        text = f"{action}: {message}\n{text_at(alert, 'note')}"
        kind = _KINDS.get(action.lower(), ActivityKind.UPDATED)
        actor = text_at(alert, "username")
        return [activity_about("opsgenie", identity, kind, text, actor=actor, is_stated=True)]
    labels = _labels(alert)
    status = AlertStatus.RESOLVED if action.lower() == "close" else AlertStatus.FIRING
    created = time_at(alert, "createdAt")
    message = text_at(alert, "message") or f"Opsgenie alert {alias}"
    return [
        Draft(
            source="opsgenie",
            status=status,
            name=message,
            title=message,
            text=text_at(alert, "description") or message,
            # The labels of a person's own fields and tags; an entity is what the alert is about.
            service=guesses.service_of(labels)[0] or text_at(alert, "entity"),
            severity=text_at(alert, "priority"),
            labels=labels,
            starts_at=created if status is AlertStatus.FIRING else None,
            ends_at=_updated_at(alert) if status is AlertStatus.RESOLVED else None,
            identity=identity,
            raw=whole,
        ).alert()
    ]


def _updated_at(alert: object) -> datetime | None:
    """Return the time of the change, which Opsgenie writes in nanoseconds."""
    nanoseconds = value_at(alert, "updatedAt")
    if isinstance(nanoseconds, int) and nanoseconds > 10**16:
        return read_time(nanoseconds / 10**9)
    return time_at(alert, "updatedAt")


def _labels(alert: object) -> dict[str, str]:
    details = value_at(alert, "details")
    labels = {
        name: text_at(details, name)
        for name in (details if isinstance(details, dict) else ())
        if "." not in name
    }
    for tag in texts_at(alert, "tags"):
        name, colon, value = tag.partition(":")
        labels.setdefault(name.strip(), value.strip() if colon else "true")
    labels.setdefault("alert_id", text_at(alert, "alertId"))
    for name in ("entity", "team", "source", "tinyId"):
        labels.setdefault(name, text_at(alert, name))
    return labels
