"""Pingdom: the webhook of a check.

https://www.pingdom.com/resources/webhooks/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert
from bot.intake import guesses, states
from bot.intake.drafting import Draft
from bot.intake.fields import an_object, text_at, texts_at, time_at, wrong


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for a change of a check's state."""
    return {"check_id", "check_name", "current_state", "previous_state"} <= body.keys()


def _tags(whole: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags that name service and environment.

    A tag of Pingdom has no colon: people write env-prod or env_prod.
    """
    labels = {}
    for tag in texts_at(whole, "tags"):
        for label in ("service", "env"):
            if tag.startswith((f"{label}-", f"{label}_", f"{label}:")):
                labels[label] = tag[len(label) + 1 :]
    return labels


def parse_body(body: object) -> list[Alert]:
    """Parse one change of state (DOWN, UP, and FAILING or SUCCESS of a transaction)."""
    whole = an_object(body, "body")
    name, state = text_at(whole, "check_name"), text_at(whole, "current_state")
    if not name or not state:
        raise wrong("current_state", "the state beside check_name, as Pingdom sends it")
    status = states.status_of(state)
    host = text_at(whole, "check_params.hostname")
    reason = text_at(whole, "long_description", "description")
    changed_at = time_at(whole, "state_changed_timestamp", "state_changed_utc_time")
    resolved = status is states.RESOLVED
    shown = name.replace(" ", "-")
    labels = _tags(whole)
    return [
        Draft(
            source="pingdom",
            status=status,
            name=name,
            title=name if resolved or not reason else f"{name}: {reason}",
            text=reason or name,
            env=labels.get("env", "") or guesses.env_inside(shown),
            service=labels.get("service", "") or guesses.subject_of(shown) or name,
            category="availability",
            severity=text_at(whole, "importance_level"),
            labels={
                **labels,
                "check_id": text_at(whole, "check_id"),
                "check_type": text_at(whole, "check_type"),
                "host": host,
                "state": state,
            },
            starts_at=None if resolved else changed_at,
            ends_at=changed_at if resolved else None,
            links=[
                ("Site", text_at(whole, "full_url", "check_params.full_url")),
            ],
            identity={"check": text_at(whole, "check_id") or name},
            read_from={
                "status": "field" if states.state_of(state) else "guess",
                "service": "label service" if "service" in labels else "guess",
                "env": "label env" if "env" in labels else "guess",
                "category": "guess",
            },
            raw=whole,
        ).alert()
    ]
