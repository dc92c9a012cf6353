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
    """How often an alert was repeated, and when last."""

    count: int
    last_at: datetime
