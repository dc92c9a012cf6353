"""The bot's notices about itself: many incidents at once, and overdue work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Notice:
    """A message of the bot about itself in a channel.

    `kind` is its message's kind; `body` is JSON.
    """

    id: int
    kind: str
    channel: str
    body: Any
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Burst:
    """Many incidents at once in one channel, in their present state.

    `severities` counts them; `hidden` have no card yet; `most_severe` are (id, severity, title) of
    the first few that are not resolved; `senders` are (sender, incidents, of which have no card
    yet) of the few with the most incidents.
    """

    began_at: datetime
    ended_at: datetime | None
    severities: dict[str, int]
    hidden: int
    resolved: int
    most_severe: tuple[tuple[int, str, str], ...]
    senders: tuple[tuple[str, int, int], ...] = ()
