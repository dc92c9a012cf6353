"""The result of reading a message or body: alerts, and activity about earlier alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
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

    `fingerprint` is that of the alert which it is about, and `name` its name if known. `is_stated`:
    the sender's own form states the kind in a field; a text that anybody may write does not.
    """

    kind: ActivityKind
    source: str
    fingerprint: str
    text: str
    actor: str = ""
    name: str = ""
    is_stated: bool = False


@dataclass(frozen=True, slots=True)
class IdentifiedActivity:
    """Activity with its idempotency key and its senders: the one that sent it, and its equals.

    `thread` is the common prefix of the keys of all versions of the message in whose thread it was
    posted, '' if it was not posted in a thread.
    """

    activity: Activity
    dedup_key: str
    senders: tuple[str, ...] = ()
    thread: str = ""


@dataclass(frozen=True, slots=True)
class StoredActivity:
    """Activity as it is stored. Its texts are hostile data.

    `incident_id` is None if no incident matched. `acknowledges`: it acknowledged the incident.
    """

    id: int
    incident_id: int | None
    source: str
    sender: str
    kind: ActivityKind
    actor: str
    text: str
    fingerprint: str
    acknowledges: bool
    received_at: datetime


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
