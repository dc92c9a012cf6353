"""The records of what people do with incidents: post-mortems, actions, handovers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Postmortem:
    """One version of an incident's post-mortem; `body` is Markdown, `made_by` a Slack user id."""

    id: int
    incident_id: int
    version: int
    body: str
    made_by: str
    made_at: datetime

    @property
    def file_name(self) -> str:
        """Return the name of its file, which no other version has."""
        return f"INC-{self.incident_id}-postmortem-v{self.version}.md"


class HandoverState(StrEnum):
    """The state of a handover."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """The giver's open incidents, offered to the taker, who owns them once they accept.

    `incidents` are the ids that were offered, without those that were resolved while it waited;
    `moved` those that changed their owner. `ended_by` accepted or cancelled it, '' while it waits
    and if it ended because all its incidents were resolved.
    """

    id: int
    giver: str
    taker: str
    incidents: tuple[int, ...]
    state: HandoverState
    made_at: datetime
    ended_at: datetime | None = None
    ended_by: str = ""
    moved: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeholderUpdate:
    """The update on an incident that its stakeholders read; a correction is the next version."""

    incident_id: int
    channel: str
    text: str
    version: int
    posted_by: str
    posted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItem:
    """Work that an incident leaves for its `owner`, a Slack user id; open until `done_at`."""

    id: int
    incident_id: int
    text: str
    owner: str
    made_by: str
    made_at: datetime
    done_at: datetime | None = None
    done_by: str = ""
