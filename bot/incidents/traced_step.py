"""A step of an incident, as its trace shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class StepKind(StrEnum):
    """The steps from an alert to the end of its incident."""

    ACCEPT = "alert.accept"
    FOLD = "alert.fold"
    CARD = "card.post"
    EVIDENCE = "evidence.gather"
    ADVICE = "advice"
    PROPOSE = "remediation.propose"
    DECIDE = "approval.decide"
    DISPATCH = "remediation.dispatch"
    LOOK_UP = "remediation.look_up"  # of an outcome that was unknown
    VERIFY = "remediation.verify"
    RESOLVE = "incident.resolve"


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedStep:
    """One step. `key` tells it from others of its kind in the incident, '' for the first.

    `facts` are ids, states and counts, never a text.
    """

    kind: StepKind
    tracking_id: str
    incident_id: int
    key: str
    began: datetime
    ended: datetime
    facts: Mapping[str, str | int | float | bool] = field(default_factory=dict)
