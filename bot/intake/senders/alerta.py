"""Alerta: its own JSON, as a forwarder or a webhook plugin posts it, and as its senders do.

https://docs.alerta.io/api/alert.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake.drafting import Draft
from bot.intake.fields import an_object, text_at, texts_at, time_at, wrong

_FORM = {"resource", "event", "severity"}
_ITS_OWN = {"correlate", "duplicateCount", "lastReceiveId", "previousSeverity", "trendIndication"}
_NORMAL = frozenset(("normal", "ok", "cleared"))
_SEVERITIES = {"security": "critical", "trace": "low"}  # those that only Alerta has


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for an alert with a field that only Alerta has."""
    return body.keys() >= _FORM and not _ITS_OWN.isdisjoint(body)


def parse_body(body: object) -> list[Alert]:
    """Parse one alert. A severity that means no trouble ends it, as the status `closed` does.

    `expired` ends nothing: nobody heard that the trouble is over.
    """
    whole = an_object(body, "body")
    resource, event = text_at(whole, "resource"), text_at(whole, "event")
    severity = text_at(whole, "severity").lower()
    if not resource or not event or not severity:
        raise wrong("event", "given beside resource and severity, as Alerta sends it")
    is_over = severity in _NORMAL or text_at(whole, "status").lower() == "closed"
    if severity in _NORMAL:
        severity = text_at(whole, "previousSeverity").lower()
    at = time_at(whole, "createTime", "lastReceiveTime")
    # These events take turns in one alert of a resource: NodeDown, NodeUp.
    events = sorted({event, *texts_at(whole, "correlate")})
    return [
        Draft(
            source="alerta",
            status=AlertStatus.RESOLVED if is_over else AlertStatus.FIRING,
            name=event,
            title=f"{resource}: {event}",
            text=text_at(whole, "text") or event,
            env=text_at(whole, "environment"),
            service=next(iter(texts_at(whole, "service")), ""),
            severity=_SEVERITIES.get(severity, severity),
            labels={
                **_tags(whole),
                "resource": resource,
                "host": resource.partition(":")[0],
                "group": text_at(whole, "group"),
            },
            value=text_at(whole, "value"),
            starts_at=None if is_over else at,
            ends_at=at if is_over else None,
            links=[("Alerta", text_at(whole, "attributes.moreInfo", "href"))],
            identity={
                "env": text_at(whole, "environment"),
                "resource": resource,
                "events": " ".join(events),
            },
            raw=whole,
        ).alert()
    ]


def _tags(whole: Mapping[str, Any]) -> dict[str, str]:
    pairs = (tag.partition("=") for tag in texts_at(whole, "tags"))
    return {name: value for name, equals, value in pairs if equals and name}
