"""One channel as its sender sees it: its claim, its pace, and when it may go again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from handlers.pace import Pace
from store.operations.leases import Lane

LONGEST_PAUSE = 15.0  # seconds a channel waits at most when Slack is not well


@dataclass(slots=True)
class Channel:
    """What the outbox knows of one channel while it has its claim.

    A channel either moves, or is paused (Slack or the store is not well), or waits for `wake_at`
    (Slack takes nothing of what is due before), or has nothing to do.
    """

    lane: Lane
    pace: Pace
    moving: asyncio.Task[None] | None = None
    missed: bool = False  # something became due while it moved: it looks once more
    paused_until: datetime | None = None  # nothing is sent until then
    wake_at: datetime | None = None  # then Slack takes what it does not take now
    troubles: int = 0  # in a row: Slack was not well
    storm_at: datetime | None = None  # when the storm's digest was last brought up to date

    def is_paused(self, now: datetime) -> bool:
        """Whether nothing may be sent now."""
        # No pause is longer than the longest: then the clock was set back.
        longest = timedelta(seconds=LONGEST_PAUSE)
        return self.paused_until is not None and timedelta() < self.paused_until - now <= longest

    def pause(self, now: datetime, seconds: float) -> None:
        """Send nothing for so long."""
        self.paused_until = now + timedelta(seconds=seconds)
