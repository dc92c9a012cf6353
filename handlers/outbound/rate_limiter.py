"""How fast one channel is spoken to: Slack allows a post a second, and a few at once.

A virtual schedule (the generic cell rate algorithm of ITU-T I.371): each post moves the end of the
schedule on by the interval, and may come as much before its place in it as the burst allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(slots=True)
class Pace:
    """`until` is where the schedule ends; None before the first post. `interval` is in seconds.

    `strict`: Slack took no burst. From then on each post comes a whole interval after the last one,
    until it was quiet for so long that a burst may be tried again.
    """

    until: datetime | None = None
    interval: float = 1.0
    burst: int = 1
    strict: bool = False

    def wait(self, now: datetime) -> float:
        """Seconds until the next post may be sent; 0 when it may be now."""
        if self.until is None or not self.interval:
            return 0.0
        ahead = (self.until - now).total_seconds()
        if ahead > (most := self.burst * self.interval):  # the clock was set back
            self.until, ahead = now + timedelta(seconds=most), most
        return max(0.0, ahead - (self.burst - 1) * self.interval)

    def posted(self, now: datetime) -> datetime | None:
        """A post was sent. Returns the new end of the schedule; None when there is no pace."""
        if not self.interval:
            return None
        if self.until is None or self.until <= now:
            self.strict = False
        if self.strict:  # not from its place in the schedule: it may have come late
            self.until = now + self._all()
        else:
            self.until = max(self.until or now, now) + timedelta(seconds=self.interval)
        return self.until

    def refused(self, now: datetime) -> None:
        """Slack took no more at once: the burst is used up, and comes back with quiet time."""
        if self.interval:
            self.strict = True
            self.until = now + self._all()

    def _all(self) -> timedelta:
        return timedelta(seconds=self.burst * self.interval)
