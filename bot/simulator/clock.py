"""Time for the local Slack: the real one, or one that a test moves by hand."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """Something that will happen and can still be called off."""

    def cancel(self) -> None:
        """Call it off; harmless when it has already happened."""


class Clock(Protocol):
    """The only source of time in this package."""

    def now(self) -> float:
        """Seconds since the Unix epoch."""

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Run `action` on the event loop once `seconds` have passed."""


class SystemClock:
    """Real time."""

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time()

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Run `action` on the running event loop after `seconds`."""
        return asyncio.get_running_loop().call_later(seconds, action)


class _Manual:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class ManualClock:
    """Time that stands still until `advance` is called."""

    def __init__(self, start: float = 1_795_222_800.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._due: list[tuple[float, int, _Manual]] = []

    def now(self) -> float:
        """Seconds since the Unix epoch, as last set."""
        return self._now

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Keep `action` until the clock has been moved `seconds` ahead."""
        timer = _Manual(action)
        heapq.heappush(self._due, (self._now + max(seconds, 0.0), next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Move time on and run what falls due, in order, each at its own moment."""
        end = self._now + seconds
        while self._due and self._due[0][0] <= end:
            when, _, timer = heapq.heappop(self._due)
            self._now = max(self._now, when)
            if timer.action is not None:
                timer.action()
        self._now = end
