"""The types: alert, incident, timeline entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.language import spoken


class Severity(StrEnum):
    """Four levels of severity; `rank` orders them, the most severe first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """Return 0 for critical … 3 for low: the most severe is smallest, so that ORDER BY needs no
        DESC.
        """
        return _RANK[self]


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


class AlertStatus(StrEnum):
    """The state of the alert as its sender reports it."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Hyperlink:
    """A link from the sender. `url` starts with http:// or https://."""

    label: str
    url: str


GUESS = "guess"
"""The place in `Alert.read_from` of a value that no field and no label of the sender states."""


BY_END = "ends_at"
"""The place in `Alert.read_from` of a status that the end states: over once `ends_at` passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of one sender, in our terms. Every text in it is hostile data.

    `severity_raw` keeps the sender's own word. `value` and `threshold` are the displayed texts, for
    people. `fingerprint` is the sender's if it has one, else `keys.fingerprint_of`. `tracking_id`
    is empty until `response.receive` sets one, unless the sender sent it. `read_from` says by field
    where its value was read: `field` (of the sender's form), `label NAME`, `title`, `colour` or
    `guess`. `not_understood` is the reason why no parser read the alert, '' if one did.

    `raw` is the received data as JSON values; `raw_json` is the same as compact ASCII JSON text, or
    '' if nobody encoded it yet. `raw_shared` is the JSON text of the data that all alerts of one
    delivery share; `raw` then omits it, and the store keeps it once.
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
    links: tuple[Hyperlink, ...] = ()
    fingerprint: str
    tracking_id: str = ""
    incident_key: str = ""
    sop_id: str = ""
    read_from: Mapping[str, str] = field(default_factory=dict)
    not_understood: str = ""
    raw: Any = None
    raw_json: str = field(default="", compare=False, repr=False)
    raw_shared: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedAlert:
    """One alert of an incident, however often it was sent.

    `reason` is the stored reason why it joined (`correlation.Reason`), with its facts and the other
    incidents that a rule matched. `count` is how often it was
    stored as firing. `since` is when it began to fire by its sender's time, else when it first
    arrived. `guessed` names the fields that were read from no field and no label of the sender.
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
    facts: Mapping[str, str | int] = field(default_factory=dict)
    alternatives: Sequence[tuple[int, str]] = ()
    guessed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupedAlerts:
    """A page of an incident's alerts: firing ones first, of these the most severe first.

    `total` and `firing` count all of them.
    """

    alerts: tuple[GroupedAlert, ...]
    total: int
    firing: int


class IncidentStatus(StrEnum):
    """The state of an incident."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """The reason why an incident is resolved."""

    CLEARED = "cleared"  # its alerts ended
    PERSON = "person"
    STALE = "stale"  # nobody said that it ended: nothing was heard of it for long


@dataclass(frozen=True, slots=True)
class Shown:
    """Place and start of the alert that an incident shows."""

    env: str
    region: str
    service: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Mute:
    """A person keeps an incident's thread quiet. `until` is None for until it clears."""

    by: str
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        """Return whether its time is not over."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Escalation:
    """A person asked a second person for help with an incident, who has not answered yet."""

    to: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident: one thread, one SOP ID.

    `number` is its name for people (INC-142). `alert_count` counts every folded alert, also a
    second one of the same fingerprint; `firing` counts the fingerprints that have not resolved.
    `posted`: its first alert is a message in the channel, and did not arrive by HTTP.
    `last_active_at` is when an alert of it came last, to a minute, or a person said that it goes
    on; None if unknown. `parent_id` is the root of the cascade of which it is a child, None for a
    root; a root's `cause_id` is the child that is the most probable cause, None if it is the root
    itself. `related_id` is an incident that is perhaps part of the same fault. `resolution` is why
    it is resolved, None while it is open. `previous_id` is the incident of its scope that was
    resolved last before it opened. `flapping_changes` is how often it began and ceased to fire
    lately; 0 while it does not flap. `severity_by` is the person who set its severity, which its
    alerts then do not change; '' while they do.

    It shows one alert, the most severe that fires: `severity`, `title`, `text`, `value`,
    `threshold`, `labels`, `links`, `source` and `display`. `env`, `region`, `service` and
    `category` are its subject, and stay as they were at its opening.
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
    links: tuple[Hyperlink, ...]
    tracking_id: str
    opened_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    resolved_at: datetime | None
    resolved_by: str
    fixed_by: str
    posted: bool = True
    shown: Shown | None = None
    last_active_at: datetime | None = None
    mute: Mute | None = None
    parent_id: int | None = None
    cause_id: int | None = None
    resolution: Resolution | None = None
    flapping_changes: int = 0
    previous_id: int | None = None
    related_id: int | None = None
    severity_by: str = ""
    escalation: Escalation | None = None

    @property
    def number(self) -> str:
        """Return the name that people use: INC-<id>."""
        return f"INC-{self.id}"

    @property
    def display(self) -> Shown:
        """Return the place and start of the shown alert; else those of the opening."""
        return self.shown or Shown(self.env, self.region, self.service, self.opened_at)


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """Result of an operation on an incident: `incident` is its new state.

    `changed` is False if it was in that state already; `former` is the user who had acknowledged
    it.
    """

    incident: Incident
    changed: bool
    former: str = ""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One fact of an incident's timeline, in the past tense. `actor` is a Slack user id or ''."""

    incident_id: int
    at: datetime
    kind: str
    text: str
    actor: str = ""

    @property
    def spoken(self) -> str:
        """The text in the reader's language; the text itself if a person or an old bot wrote it."""
        return spoken(self.text)


@dataclass(frozen=True, slots=True)
class UnmatchedResolve:
    """A resolve that matched no open incident: kept, and closes nothing."""

    tracking_id: str
    sender: str
    received_at: datetime
    alert: Alert
