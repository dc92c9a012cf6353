"""The records that people keep of an incident: post-mortems, and the actions that follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


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
