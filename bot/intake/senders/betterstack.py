"""Better Stack: the outgoing webhook of Uptime's incidents.

https://betterstack.com/docs/uptime/webhooks/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert
from bot.intake import guesses, states
from bot.intake.drafting import Draft, activity_about
from bot.intake.fields import an_object, text_at, time_at, value_at, wrong
from bot.intake.reading import Activity, ActivityKind

_LINKS = (("Site", "url"), ("Better Stack", "origin_url"), ("Image", "screenshot_url"))


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for an incident with the attributes of Better Stack."""
    attributes = value_at(body, "data.attributes")
    return (
        text_at(body, "data.type") == "incident"
        and isinstance(attributes, dict)
        and {"started_at", "resolved_at"} <= attributes.keys()
    )


def _labels(attributes: object) -> dict[str, str]:
    return {
        "team": text_at(attributes, "team_name"),
        "http_method": text_at(attributes, "http_method"),
    }


def _monitor(whole: Mapping[str, Any]) -> str:
    """Return the id of the monitor or heartbeat that the incident is about, or ''."""
    ids = (
        text_at(whole, f"data.relationships.{kind}.data.id") for kind in ("monitor", "heartbeat")
    )
    return next(filter(None, ids), "")


def parse_body(body: object) -> list[Alert | Activity]:
    """Parse one change of an incident; an acknowledgement is activity."""
    whole = an_object(body, "body")
    attributes = value_at(whole, "data.attributes")
    if not isinstance(attributes, dict) or text_at(whole, "data.type") != "incident":
        raise wrong("data.attributes", "an incident, as Better Stack sends it")
    incident = text_at(whole, "data.id")
    name = text_at(attributes, "name", "url") or f"Better Stack incident {incident}"
    monitor = _monitor(whole)
    identity = {"monitor": monitor} if monitor else {"incident": incident}
    cause, ends_at = text_at(attributes, "cause"), time_at(attributes, "resolved_at")
    state = text_at(attributes, "status")
    if state.lower() == "acknowledged" and ends_at is None:
        actor = text_at(attributes, "acknowledged_by")
        text = f"{name}: {cause}"
        kind = ActivityKind.ACKNOWLEDGED
        return [activity_about("betterstack", identity, kind, text, actor=actor, is_stated=True)]
    status = states.RESOLVED if ends_at else states.status_of(state)
    shown = name.replace(" ", "-")
    return [
        Draft(
            source="betterstack",
            status=status,
            name=name,
            title=f"{name}: {cause}" if cause else name,
            text=cause or name,
            env=guesses.env_inside(shown),
            # A monitor without a name of its own is called by its address.
            service=name.split("/")[2] if "://" in name else guesses.subject_of(shown) or name,
            category=guesses.category_of(cause) or "availability",
            severity=text_at(attributes, "severity", "metadata.severity"),
            labels={"monitor_id": monitor, "incident": incident, **_labels(attributes)},
            starts_at=time_at(attributes, "started_at"),
            ends_at=ends_at,
            links=[(label, text_at(attributes, name)) for label, name in _LINKS],
            identity=identity,
            read_from={
                "status": "field" if ends_at or states.state_of(state) else "guess",
                "service": "guess",
                "env": "guess",
                "category": "guess",
            },
            raw=whole,
        ).alert()
    ]
