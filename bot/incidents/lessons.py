"""Lessons: a person's sentences about an incident, for the next one of its kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MOST_CHARS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A lesson. `alert_name` is '' if nothing but its SOP ID says what it is about."""

    id: int
    incident_id: int
    sop_id: str
    alert_name: str
    service: str
    text: str
    user: str
    at: datetime

    @property
    def incident(self) -> str:
        """Return the number of its incident, as INC-7."""
        return f"INC-{self.incident_id}"
