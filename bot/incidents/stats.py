"""The statistics of a window of time: counts, and how long people and the bot took."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.incidents.correlation import Reason
from bot.incidents.model import IncidentStatus, Severity

REOPENED = frozenset({Reason.FIRES_AGAIN, Reason.SCOPE_FIRES_AGAIN, Reason.STILL_FIRES})
"""The reasons of alerts that reopened a resolved incident."""
JOINED = REOPENED | {
    Reason.SAME_FINGERPRINT,
    Reason.EDITED_MESSAGE,
    Reason.SAME_SCOPE,
    Reason.SAME_SOP,
    Reason.REMINDER_AFTER_RESOLVE,
}
"""The reasons of alerts that became part of an incident that was there."""
BECAME_CHILDREN = frozenset(
    {
        Reason.ZONE_DOWN,
        Reason.NODE_DOWN,
        Reason.SYMPTOM,
        Reason.NAMED_ALIKE,
        Reason.CALLS,
        Reason.DEPLOY,
    }
)
"""The reasons of alerts that opened an incident as a part of a cascade."""


class Span(StrEnum):
    """A measured time, each from the opening of its incident."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CARD = "card"
    ADVICE = "advice"


_SHORTEST, _STEP = 0.01, 1.05  # seconds; each bucket of a histogram ends 5 % behind the one before


@dataclass(slots=True)
class Durations:
    """Seconds as a histogram: their number and sum are exact, a percentile to 2.5 %."""

    count: int = 0
    total: float = 0.0
    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float) -> None:
        """Add one; a negative one (two clocks) counts as 0."""
        seconds = max(seconds, 0.0)
        self.count += 1
        self.total += seconds
        ratio = seconds / _SHORTEST
        self.buckets[math.ceil(math.log(ratio, _STEP)) if ratio > 1 else 0] += 1

    def merge(self, other: Durations) -> None:
        """Add all of another histogram."""
        self.count += other.count
        self.total += other.total
        self.buckets.update(other.buckets)

    @property
    def mean(self) -> float | None:
        """Return the mean; None without any."""
        return self.total / self.count if self.count else None

    def percentile(self, share: float) -> float | None:
        """Return the nearest-rank percentile (`share` from 0 to 1); None without any."""
        left = math.ceil(self.count * share)
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0:
                return float(_SHORTEST * _STEP ** (bucket - 0.5))
        return None


@dataclass(slots=True)
class PeriodStats:
    """The figures of a period: alerts by the reason of their decision, repeats, times."""

    alerts: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    spans: dict[Span, Durations] = field(default_factory=lambda: {s: Durations() for s in Span})

    def merge(self, other: PeriodStats) -> None:
        """Add all of another period."""
        self.alerts.update(other.alerts)
        self.repeats += other.repeats
        for name, durations in other.spans.items():
            self.spans[name].merge(durations)

    def as_json(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "alerts": dict(self.alerts),
            "repeats": self.repeats,
            "spans": {
                name: {
                    "count": durations.count,
                    "total": round(durations.total, 3),
                    "buckets": dict(durations.buckets),
                }
                for name, durations in self.spans.items()
                if durations.count
            },
        }

    def merge_json(self, body: Mapping[str, Any]) -> None:
        """Add all of another period, given as JSON values: a window has hundreds of them."""
        for reason, count in body["alerts"].items():
            self.alerts[reason] += count
        self.repeats += body["repeats"]
        for name, values in body["spans"].items():
            durations = self.spans[name]
            durations.count += values["count"]
            durations.total += values["total"]
            buckets = durations.buckets
            for bucket, count in values["buckets"].items():
                buckets[int(bucket)] += count


@dataclass(frozen=True, slots=True)
class TypeCount:
    """The incidents of one type, which is the category of their alerts."""

    type: str
    total: int
    open: int
    by_severity: Mapping[Severity, int]


@dataclass(frozen=True, slots=True)
class Repeat:
    """An alert that its sender repeated: how often in the window, and when last."""

    incident_id: int
    alert: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class IncidentStats:
    """Numbers of one window.

    An incident counts from when the bot opened it, with its status and severity of now. `period`
    counts what happened in the window: an alert when the bot received it, a measured time when its
    end came.
    """

    by_severity_and_status: Mapping[Severity, Mapping[IncidentStatus, int]]
    open_now: int
    flapping_now: int
    period: PeriodStats

    @property
    def repeats(self) -> int:
        """Return how many alerts only repeated a stored one."""
        return self.period.repeats

    @property
    def total(self) -> int:
        """Return how many incidents were opened."""
        return sum(self.by_severity.values())

    @property
    def by_severity(self) -> dict[Severity, int]:
        """Return how many were opened, by their severity now."""
        counts = self.by_severity_and_status
        return {severity: sum(counts.get(severity, {}).values()) for severity in Severity}

    @property
    def by_status(self) -> dict[IncidentStatus, int]:
        """Return how many were opened, by their status now."""
        counts = self.by_severity_and_status.values()
        return {
            status: sum(by_status.get(status, 0) for by_status in counts)
            for status in IncidentStatus
        }

    @property
    def accepted(self) -> int:
        """Return how many alerts were stored."""
        return self.period.alerts.total()

    @property
    def joined(self) -> int:
        """Return how many alerts became part of an incident that was there."""
        return sum(self.period.alerts[reason] for reason in JOINED)

    @property
    def duplicates(self) -> int:
        """Return the tellings that opened nothing new: alerts that joined, and repeats."""
        return self.joined + self.repeats

    @property
    def reopened(self) -> int:
        """Return how many alerts reopened a resolved incident."""
        return sum(self.period.alerts[reason] for reason in REOPENED)

    @property
    def children(self) -> int:
        """Return how many incidents opened as a part of a cascade."""
        return sum(self.period.alerts[reason] for reason in BECAME_CHILDREN)

    @property
    def suppressed(self) -> int:
        """Return how many alerts a silence kept from opening an incident."""
        return self.period.alerts[Reason.SUPPRESSED]
