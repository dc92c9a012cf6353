"""The clock of a replay: it follows the stream, and never goes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

# While nothing arrives, time passes in steps: what is due by time alone is done after each. Nothing
# of it waits for less than a minute, and after some hours hardly anything is due any more.
_STEPS = (
    (timedelta(hours=6), timedelta(minutes=1)),
    (timedelta(days=3), timedelta(minutes=10)),
    (timedelta.max, timedelta(hours=1)),
)


class ReplayClock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now

    def steps_until(self, end: datetime) -> Iterator[datetime]:
        """Move to each step before `end`, and yield it."""
        began = self._now
        while True:
            passed = self._now - began
            step = next(step for limit, step in _STEPS if passed < limit)
            if self._now + step >= end:
                return
            self._now += step
            yield self._now

    def move_to(self, time: datetime) -> None:
        """Move to `time`; a line that arrives late leaves the clock where it is."""
        self._now = max(self._now, time)
