"""Limits the posts in one channel: Slack allows a post a second, and a few at once.

It is a virtual schedule (the generic cell rate algorithm of ITU-T I.371): each post moves the end
of the schedule on by the interval, and may be sent before its place in it by as much as the burst
allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(slots=True)
class RateLimiter:
    """Schedules posts. `until` is its end, None before the first post; `interval` is in seconds.

    `strict`: Slack refused a burst. From then on each post comes a whole interval after the last
    one, until a quiet time long enough for the bot to try a burst again.
    """

    until: datetime | None = None
    interval: float = 1.0
    burst: int = 1
    strict: bool = False

    def wait(self, now: datetime) -> float:
        """Seconds until the next post may be sent; 0 for now."""
        if self.until is None or not self.interval:
            return 0.0
        ahead = (self.until - now).total_seconds()
        if ahead > (most := self.burst * self.interval):  # the clock was set back
            self.until, ahead = now + timedelta(seconds=most), most
        return max(0.0, ahead - (self.burst - 1) * self.interval)

    def posted(self, now: datetime) -> datetime | None:
        """Record a post. Returns the new end of the schedule; None if nothing is limited."""
        if not self.interval:
            return None
        if self.until is None or self.until <= now:
            self.strict = False
        if self.strict:  # from now, not from its place in the schedule: the post may be late
            self.until = now + self._all()
        else:
            self.until = max(self.until or now, now) + timedelta(seconds=self.interval)
        return self.until

    def refused(self, now: datetime) -> None:
        """Record that Slack limited a post: the burst is used up until a quiet time restores it."""
        if self.interval:
            self.strict = True
            self.until = now + self._all()

    def _all(self) -> timedelta:
        return timedelta(seconds=self.burst * self.interval)
