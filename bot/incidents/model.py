"""The nouns: alert, incident, timeline entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad it is, in four words; `rank` orders them, the gravest first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for critical … 3 for low: small is grave, so that ORDER BY needs no DESC."""
        return _RANK[self]


_RANK = {severity: rank for rank, severity in enumerate(Severity)}

_SEVERITY_WORDS = {
    "critical": Severity.CRITICAL,
    "crit": Severity.CRITICAL,
    "disaster": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "p1": Severity.CRITICAL,
    "sev1": Severity.CRITICAL,
    "high": Severity.HIGH,
    "error": Severity.HIGH,
    "major": Severity.HIGH,
    "p2": Severity.HIGH,
    "sev2": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "warning": Severity.MEDIUM,
    "warn": Severity.MEDIUM,
    "average": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "p3": Severity.MEDIUM,
    "sev3": Severity.MEDIUM,
    "low": Severity.LOW,
    "info": Severity.LOW,
    "information": Severity.LOW,
    "informational": Severity.LOW,
    "notice": Severity.LOW,
    "minor": Severity.LOW,
    "debug": Severity.LOW,
    "p4": Severity.LOW,
    "sev4": Severity.LOW,
}


def known_severity(word: str) -> Severity | None:
    """The severity a sender's word stands for, or None when the word is not one."""
    return _SEVERITY_WORDS.get(word.strip().lower())


def severity_of(word: str) -> Severity:
    """Any sender's word as one of the four; an unknown word is medium, never dropped."""
    return known_severity(word) or Severity.MEDIUM


def severity_words(severity: Severity) -> tuple[str, ...]:
    """Every word that stands for this severity."""
    return tuple(word for word, meant in _SEVERITY_WORDS.items() if meant is severity)


class AlertStatus(StrEnum):
    """What the sender says of the alert now."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Link:
    """A place to look, as the sender gave it. `url` starts with http:// or https://."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert as one sender told it, in our words. Every text in it is hostile data.

    `severity_raw` keeps the sender's own word. `value` and `threshold` are text as shown, for
    people. `fingerprint` is the sender's where it has one, else `keys.fingerprint_of`.
    `tracking_id` is empty until `response.receive` gives one, unless the sender brought it.
    `raw` is what arrived, JSON-shaped; `raw_json` is the same as compact ASCII JSON text, or ''
    where nobody wrote it yet. `raw_shared` is the JSON text of what all alerts of one delivery have
    in common, without which `raw` is then; the store keeps it once.
    """

    source: str
    status: AlertStatus
    name: str
    title: str
    text: str = ""
    env: str = ""
    region: str = ""
    service: str = ""
    category: str = ""
    severity: Severity = Severity.MEDIUM
    severity_raw: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    value: str = ""
    threshold: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    links: tuple[Link, ...] = ()
    fingerprint: str
    tracking_id: str = ""
    incident_key: str = ""
    sop_id: str = ""
    raw: Any = None
    raw_json: str = field(default="", compare=False, repr=False)
    raw_shared: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedAlert:
    """One alert of an incident, however often it was sent.

    `reason` is the stored word for why it joined (`correlation.Reason`); `count` how often it was
    stored as firing; `since` when it began to fire, as its sender says, else when it first came.
    """

    name: str
    title: str
    value: str
    severity: Severity
    is_firing: bool
    since: datetime
    reason: str
    source: str
    count: int
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class GroupedAlerts:
    """A page of an incident's alerts: those that fire first, of these the most severe first.

    `total` and `firing` count all of them.
    """

    alerts: tuple[GroupedAlert, ...]
    total: int
    firing: int


class IncidentStatus(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Shown:
    """Where and since when, by the one alert that an incident shows."""

    env: str
    region: str
    service: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident: one thread, one SOP ID.

    `number` is what people say (INC-142). `alert_count` counts every alert folded in, `firing`
    those that have not resolved. `posted`: its first alert stands in the channel as a message, and
    did not come by HTTP. `revision` grows with each change that a person could see.

    What it shows is of one alert, the most severe that fires: `severity`, `title`, `text`, `value`,
    `threshold`, `labels`, `links`, `source` and `display`. `env`, `region`, `service` and
    `category` are what it is about, and stay as it was opened.
    """

    id: int
    incident_key: str
    sop_id: str
    status: IncidentStatus
    severity: Severity
    title: str
    env: str
    region: str
    service: str
    category: str
    channel: str
    source: str
    alert_count: int
    firing: int
    value: str
    threshold: str
    text: str
    labels: Mapping[str, str]
    links: tuple[Link, ...]
    tracking_id: str
    opened_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    resolved_at: datetime | None
    resolved_by: str
    fixed_by: str
    revision: int
    posted: bool = True
    shown: Shown | None = None

    @property
    def number(self) -> str:
        """The name people use: INC-<id>."""
        return f"INC-{self.id}"

    @property
    def display(self) -> Shown:
        """Where and since when, as the alert that it shows says; else as it was opened."""
        return self.shown or Shown(self.env, self.region, self.service, self.opened_at)


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """What an operation did to an incident: `incident` is as it is now.

    `changed` is False where it was so already; `former` is who had acknowledged it before.
    """

    incident: Incident
    changed: bool
    former: str = ""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One fact of an incident's story, in the past tense. `actor` is a Slack user id or ''."""

    incident_id: int
    at: datetime
    kind: str
    text: str
    actor: str = ""
