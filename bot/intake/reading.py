"""The result of reading a message or body: alerts, and activity about earlier alerts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.incidents.model import Alert


class ActivityKind(StrEnum):
    """The kinds of what can happen to an alert at its sender, besides its beginning and end."""

    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    SILENCED = "silenced"
    ARCHIVED = "archived"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One thing that happened to an alert at its sender. Every text in it is hostile data.

    `fingerprint` is that of the alert which it is about, '' if the sender does not say.
    """

    kind: ActivityKind
    source: str
    fingerprint: str
    text: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read of one message or body."""

    alerts: tuple[Alert, ...] = ()
    activities: tuple[Activity, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why parts were not understood, each reason once; empty if all were."""
        reasons = (alert.not_understood for alert in self.alerts if alert.not_understood)
        return tuple(dict.fromkeys(reasons))
