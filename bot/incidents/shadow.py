"""Compares what a firing alert did with what it would have done by the shadow policy. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """The end of the way of an alert that no open incident matched."""

    OPENED = "opened"
    MERGED = "merged"  # opened as a part of another incident
    REOPENED = "reopened"
    SUPPRESSED = "suppressed"
    ROUTED = "routed"  # opened, with its card in another channel


@dataclass(frozen=True, slots=True)
class ShadowOutcome:
    """The effect, with the incident that it joins, or the channel of the card that it opens."""

    effect: Effect
    incident_id: int | None = None
    channel: str = ""


def difference(live: ShadowOutcome, other: ShadowOutcome) -> Mapping[str, str | int]:
    """Return what the shadow policy would do instead, as facts; none if it would do the same."""
    if live == other:
        return {}
    is_routed = live.effect is other.effect is Effect.OPENED
    facts: dict[str, str | int] = {
        "live": str(live.effect),
        "would_be": str(Effect.ROUTED if is_routed else other.effect),
    }
    if other.incident_id is not None:
        facts["incident"] = other.incident_id
    if other.channel:
        facts["channel"] = other.channel
    return facts
