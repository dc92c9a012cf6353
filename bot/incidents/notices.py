"""The bot's notices about itself: many incidents at once, and overdue work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the bot says of itself in a channel. `kind` is its message's; `body` is JSON."""

    id: int
    kind: str
    channel: str
    body: Any
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Storm:
    """Many incidents at once in one channel, as they stand now.

    `severities` counts them; `hidden` have no card yet; `gravest` are (id, severity, title) of the
    first few that are not resolved; `senders` are (sender, incidents, of which have no card yet) of
    the first few who sent most.
    """

    began_at: datetime
    ended_at: datetime | None
    severities: dict[str, int]
    hidden: int
    resolved: int
    gravest: tuple[tuple[int, str, str], ...]
    senders: tuple[tuple[str, int, int], ...] = ()
