"""Events of Kubernetes: kubernetes-event-exporter's JSON, and what Botkube posts in Slack.

An event says what happened once: it has no end. A warning fires, a normal event is activity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.drafting import Draft, activity_about
from bot.intake.fields import an_object, optional_text, text_mapping, wrong
from bot.intake.reading import Activity, ActivityKind
from bot.intake.slack_message import SlackMessage
from bot.intake.times import read_time

# What Kubernetes appends to the name of a pod: the hash of its replica set, and its own.
_GENERATED = re.compile(r"(?:-[0-9a-f]{6,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}$|-[0-9a-f]{8,10}$")
_QUIET = frozenset(("normal", "info", "create", "update", "delete", "success"))


def parse_message(message: SlackMessage) -> Alert | Activity | None:
    """Parse Botkube's fields Kind, Name, Reason or Type, else return None."""
    fields = message.fields
    kind, name = fields.get("kind", ""), fields.get("name", "")
    if not (kind and name) or not ({"reason", "type"} & set(fields)):
        return None
    if "botkube" not in message.sender.lower():
        return None
    return _event(
        (kind, fields.get("namespace", ""), name),
        fields.get("type", "") or "warning",
        fields.get("reason", ""),
        message.text,
        cluster=fields.get("cluster", ""),
        links=message.links,
        raw=message.raw,
    )


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a Kubernetes Event as an exporter posts it."""
    return {"involvedObject", "reason", "type"} <= set(body) and "severity" not in body


def parse_body(body: object) -> list[Alert | Activity]:
    """Parse one event."""
    whole = an_object(body, "body")
    involved = an_object(whole.get("involvedObject"), "involvedObject")

    def text(name: str) -> str:
        return optional_text(involved.get(name), f"involvedObject.{name}")

    if not text("name"):
        raise wrong("involvedObject.name", "the name of the object")
    labels = text_mapping(involved.get("labels"), "involvedObject.labels")
    return [
        _event(
            (text("kind"), text("namespace"), text("name")),
            optional_text(whole.get("type"), "type") or "warning",
            optional_text(whole.get("reason"), "reason"),
            optional_text(whole.get("message"), "message"),
            cluster=optional_text(whole.get("clusterName"), "clusterName"),
            labels=labels,
            starts_at=read_time(whole.get("firstTimestamp")) or read_time(whole.get("eventTime")),
            raw=whole,
        )
    ]


def _event(
    involved: tuple[str, str, str],
    severity: str,
    reason: str,
    text: str,
    *,
    cluster: str,
    labels: Mapping[str, str] | None = None,
    **more: Any,
) -> Alert | Activity:
    kind, namespace, name = involved
    workload = _GENERATED.sub("", name) if kind.lower() in ("pod", "replicaset") else name
    place = {"cluster": cluster, "namespace": namespace}
    identity = {**place, "kind": kind.lower(), "name": workload, "reason": reason}
    if severity.lower() in _QUIET:
        return activity_about("kubernetes", identity, ActivityKind.UPDATED, text)
    own = {**place, "kind": kind, "name": name, "reason": reason}
    labels = {**(labels or {}), **{label: value for label, value in own.items() if value}}
    service = guesses.service_of({**labels, "name": ""})[0] or workload
    return Draft(
        source="kubernetes",
        status=AlertStatus.FIRING,
        name=reason or f"{kind} {severity}",
        title=f"{reason or severity}: {kind} {workload}",
        text=text,
        env=guesses.env_of(place)[0],
        service=service,
        severity=severity.lower(),
        labels=labels,
        identity=identity,
        read_from={"service": "field" if service != workload else "guess"},
        **more,
    ).alert()
