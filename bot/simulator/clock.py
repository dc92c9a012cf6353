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


async def pause(clock: Clock, seconds: float) -> None:
    """Come back after `seconds` of this clock."""
    over = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not over.done():
            over.set_result(None)

    timer = clock.call_later(seconds, wake)
    try:
        await over
    finally:
        timer.cancel()


class _Kept:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class _Agenda:
    """A queue of timers by due time; timers of the same time run in the order of their requests."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self._due: list[tuple[float, int, _Kept]] = []

    def add(self, when: float, action: Callable[[], None]) -> _Kept:
        kept = _Kept(action)
        heapq.heappush(self._due, (when, next(self._order), kept))
        return kept

    def next_due(self) -> float | None:
        while self._due and self._due[0][2].action is None:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def take(self) -> Callable[[], None] | None:
        return heapq.heappop(self._due)[2].action


class ManualClock:
    """Time that stands still until `advance` is called."""

    def __init__(self, start: float = 1_795_222_800.0) -> None:
        self._now = start
        self._agenda = _Agenda()

    def now(self) -> float:
        """Seconds since the Unix epoch, as last set."""
        return self._now

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Keep `action` until the clock has been moved `seconds` ahead."""
        return self._agenda.add(self._now + max(seconds, 0.0), action)

    def advance(self, seconds: float) -> None:
        """Advance the time, and run each due timer at its own time."""
        end = self._now + seconds
        while (due := self._agenda.next_due()) is not None and due <= end:
            self._now = max(self._now, due)
            if action := self._agenda.take():
                action()
        self._now = end


class ForwardClock:
    """Real time that can be put forward: for bots that are processes of their own."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._agenda = _Agenda()
        self._wake: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Seconds since the Unix epoch, and how far the clock was put forward."""
        return time.time() + self._ahead

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Run `action` once `seconds` have passed, or have been skipped."""
        kept = self._agenda.add(self.now() + max(seconds, 0.0), action)
        self._sleep()
        return kept

    def advance(self, seconds: float) -> None:
        """Put the clock forward and run the due timers."""
        self._ahead += seconds
        self._run()

    def _run(self) -> None:
        while (due := self._agenda.next_due()) is not None and due <= self.now():
            if action := self._agenda.take():
                action()
        self._sleep()

    def _sleep(self) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if (due := self._agenda.next_due()) is not None:
            later = max(due - self.now(), 0.0)
            self._wake = asyncio.get_running_loop().call_later(later, self._run)
