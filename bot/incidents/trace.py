"""The stages of an alert, from its first byte to the last post about its incident."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that happened, with its real time. `actor` is a Slack user id or ''."""

    at: datetime
    name: str
    text: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class RepeatedAlert:
    """The number of repeats of an alert, and the time of the last one."""

    count: int
    last_at: datetime
