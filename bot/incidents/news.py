"""Bad news of an incident, posted as a new message, because an edit notifies nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NewsKind(StrEnum):
    """The kinds of bad news."""

    REOPENED = "reopened"
    FLAPPING = "flapping"
    WORSE = "worse"
    CRITICAL_PART = "critical part"
    NOT_HELPED = "not helped"
    FAILED = "failed"
    UNKNOWN = "outcome unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    UNANSWERED = "unanswered"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """One piece of bad news, posted once in the thread.

    `subject` is the id of its cause: an execution, an approval, a severity, the time of opening or
    reopening, or the last sign of activity; an incident posts each pair of kind and subject once.
    `facts` are its typed facts by name; `mentions` are the affected users and user groups.
    """

    id: int
    incident_id: int
    kind: NewsKind
    subject: str
    facts: Mapping[str, str]
    mentions: tuple[str, ...]
    at: datetime
