"""Digests by the clock: when each is due, what it says, and for which time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from apscheduler.triggers.cron import CronTrigger
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.incidents.home import HomeFacts
from bot.incidents.time_windows import Cron, Zone
from bot.validation import form

LATE = timedelta(hours=1)
"""A digest that no bot could send for so long is left out: the next one tells of that time too."""


class DigestKind(StrEnum):
    """The kinds of digest."""

    DIGEST = "digest"  # what is open, what happened, what waits
    REVIEW = "review"  # noisy alerts, SOPs that do not help, times


Person = Annotated[str, form(r"[UW][A-Z0-9]{2,}", "must be a Slack user id, as U0123ABCD")]
Channel = Annotated[str, form(r"[CG][A-Z0-9]{2,}", "must be a Slack channel id, as C0123ABCD")]
Name = Annotated[
    str, form(r"[a-z0-9][a-z0-9._-]{0,62}", "must be in lower case: letters, digits, '.-_'")
]


class Digest(BaseModel):
    """A digest that is posted by the clock, to a channel or to people.

    `hours` is how far back it looks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Name
    kind: DigestKind = DigestKind.DIGEST
    cron: Cron
    timezone: Zone = "UTC"
    channel: Channel | None = None
    people: tuple[Person, ...] = Field(default=(), max_length=50)
    hours: int | None = Field(default=None, ge=1, le=8_760)

    @model_validator(mode="after")
    def _has_a_reader(self) -> Self:
        if (self.channel is None) == (not self.people):
            raise ValueError("needs a channel or people, and not both")
        return self

    @property
    def looks_back(self) -> int:
        """The hours that it speaks of: 12 for a digest, a week for a review."""
        return self.hours or (168 if self.kind is DigestKind.REVIEW else 12)

    def due_at(self, now: datetime) -> datetime | None:
        """The last time at which it was due, to the minute; None if that is too long ago."""
        trigger = CronTrigger.from_crontab(self.cron, timezone=self.timezone)
        last, following = None, trigger.get_next_fire_time(None, now - LATE)
        while following is not None and following <= now:
            last = following.astimezone(UTC)
            following = trigger.get_next_fire_time(None, following + timedelta(seconds=1))
        return last


@dataclass(frozen=True, slots=True)
class DueDigest:
    """A digest that was due at `due_at`, for a channel or a direct conversation.

    `person` is the reader of the direct conversation, '' for a channel. `since` is how far back it
    looks.
    """

    name: str
    kind: DigestKind
    channel: str
    person: str
    due_at: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Frequent:
    """An alert name, the incidents that it was part of, and how often it was sent."""

    name: str
    service: str
    sent: int
    incidents: int


@dataclass(frozen=True, slots=True)
class SopResult:
    """The actions that ran for an SOP: all of them, and those verified to have helped."""

    sop_id: str
    runs: int
    verified: int


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Incidents of one key that no SOP matches; `title` is that of the newest."""

    title: str
    incidents: int


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC: the incidents opened, and how long people took to acknowledge, in seconds.

    `to_acknowledge` is the median, None if nobody acknowledged.
    """

    day: str
    opened: int
    to_acknowledge: float | None


@dataclass(frozen=True, slots=True)
class Review:
    """The facts of a review besides the numbers of its window.

    `without_sop` are the most frequent, `without_sop_total` counts the incidents of all.
    """

    frequent: Sequence[Frequent]
    sops: Sequence[SopResult]
    without_sop: Sequence[Unmatched]
    without_sop_total: int
    days: Sequence[Day]


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """The facts of a digest: those of a Home tab, and what waits.

    `waiting` are the first approvals that wait for a vote, each with its incident and title.
    `unacknowledged` counts the critical and high incidents that nobody has acknowledged.
    """

    home: HomeFacts
    waiting: Sequence[tuple[int, str]]
    waiting_total: int
    unacknowledged: int

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to say."""
        home = self.home
        happened = home.opened or home.resolved.total
        return not (home.severities or happened or self.waiting_total)
