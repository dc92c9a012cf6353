"""Flux: events of its notification-controller, by Slack and by the generic webhook.

https://fluxcd.io/flux/components/notification/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.intake import guesses
from bot.intake.drafting import Draft, activity_about
from bot.intake.fields import an_object, optional_text, wrong
from bot.intake.reading import Activity, ActivityKind
from bot.intake.slack_message import SlackMessage
from bot.intake.slack_text import bare
from bot.intake.times import read_time

_OBJECT = re.compile(
    r"(?P<kind>helmrelease|kustomization|gitrepository|ocirepository|helmrepository|helmchart"
    r"|bucket|imagerepository|imagepolicy|imageupdateautomation|terraform|resourceset)"
    r"/(?P<name>[\w.-]+)\.(?P<namespace>[\w-]+)",
    re.IGNORECASE,
)
# An event of severity info that ends nothing.
_ON_THE_WAY = re.compile(
    r"progress|dependenc|not ready|waiting|suspend|retry|dry-run|will be", re.IGNORECASE
)


def parse_message(message: SlackMessage) -> Alert | Activity | None:
    """Parse `kind/name.namespace` with a colour, else return None."""
    objects = (_OBJECT.fullmatch(bare(text)) for text in message.headlines[:4])
    involved = next(filter(None, objects), None)
    if involved is None or message.colour is None:
        return None
    return _event(
        (involved["kind"].lower(), involved["namespace"], involved["name"]),
        "info" if message.colour is AlertStatus.RESOLVED else "error",
        message.fields.get("reason", ""),
        message.text,
        cluster=message.fields.get("cluster", ""),
        links=message.links,
        raw=message.raw,
    )


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for an event with Flux's severity and the object that it is about."""
    return {"involvedObject", "severity", "reason"} <= set(body)


def parse_body(body: object) -> list[Alert | Activity]:
    """Parse one event of the generic webhook."""
    whole = an_object(body, "body")
    involved = an_object(whole.get("involvedObject"), "involvedObject")

    def text(name: str) -> str:
        return optional_text(involved.get(name), f"involvedObject.{name}")

    if not text("name"):
        raise wrong("involvedObject.name", "the name of the object")
    metadata = an_object(whole.get("metadata") or {}, "metadata")
    return [
        _event(
            (text("kind").lower(), text("namespace"), text("name")),
            optional_text(whole.get("severity"), "severity").lower(),
            optional_text(whole.get("reason"), "reason"),
            optional_text(whole.get("message"), "message"),
            cluster=optional_text(metadata.get("cluster"), "metadata.cluster"),
            time=optional_text(whole.get("timestamp"), "timestamp"),
            raw=whole,
        )
    ]


def _event(
    involved: tuple[str, str, str],
    severity: str,
    reason: str,
    text: str,
    *,
    cluster: str = "",
    time: str = "",
    links: Any = (),
    raw: Any,
) -> Alert | Activity:
    kind, namespace, name = involved
    resolved = severity == "info"
    place = {"cluster": cluster, "namespace": namespace}
    identity = {**place, "kind": kind, "name": name}
    if resolved and _ON_THE_WAY.search(f"{reason} {text}"[:1_000]):
        return activity_about("flux", identity, ActivityKind.UPDATED, text)
    labels = {**identity, "reason": reason}
    at_time = read_time(time)
    return Draft(
        source="flux",
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=f"{kind}/{name}",
        title=f"{kind}/{name}.{namespace}" + (f": {reason}" if reason else ""),
        text=text,
        env=guesses.env_of(place)[0],
        service=name,
        category="deploy",
        severity="" if resolved else severity,
        labels={label: value for label, value in labels.items() if value},
        starts_at=None if resolved else at_time,
        ends_at=at_time if resolved else None,
        links=links,
        identity=identity,
        raw=raw,
    ).alert()
