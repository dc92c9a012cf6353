"""Time that passes only while nobody works: half an hour of a story costs its processor time.

The event loop of `VirtualTimeLoop` reads and writes real sockets, and its threads are real. Its
time stands still while anything is ready, on its way through loopback, or in a thread's hands; when
nothing is, it jumps to the next timer. So a slow or busy machine makes a story longer to watch and
changes nothing in it.

Everything in the story has to go by the loop: the bot by `VirtualTime.wall`, the local Slack by
`VirtualTime` itself, APScheduler within `scheduler_goes_by`.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import apscheduler.schedulers.base

from bot.simulator import Timer

GRACE = 0.001  # real seconds: what was written to a loopback socket can be read well before
LOOK = 0.05  # real seconds between two looks at whether the threads are done
BREATHLESS = 200_000  # turns of the loop in which no time passed: somebody runs in circles

# Their futures are answered by a thread of theirs, which the loop cannot see otherwise.
THREADED = ("store.engines.sqlite_worker",)


class StandstillError(AssertionError):
    """Something tries again without a pause, so that simulated time would never go on."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` begins at 0 and jumps. `jumps` counts how often it did.

    Time stands still while a future made by one of the modules in `threaded`, or given to an
    executor, is not done, and while one of the probes in `busy` says so.
    """

    poll_seconds = 0.25  # virtual seconds between two looks of `tests.helpers.waiting.until`

    def __init__(self, threaded: Collection[str] = THREADED) -> None:
        self.busy: list[Callable[[], bool]] = []
        self.jumps = 0
        self._now = 0.0
        self._threaded = frozenset(threaded)
        self._in_threads = 0
        super().__init__(_PatientSelector(self))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def is_busy(self) -> bool:
        """Return whether something is under way that will be heard of by no timer."""
        return self._in_threads > 0 or any(probe() for probe in self.busy)

    def jump(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._now += seconds
        self.jumps += 1

    def create_future(self) -> asyncio.Future[Any]:
        """A future; one that a thread will answer keeps the time from passing."""
        future = super().create_future()
        if sys._getframe(1).f_globals.get("__name__") in self._threaded:
            self._hold(future)
        return future

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run it; no time passes until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self._hold(future)
        return future

    def _hold(self, future: asyncio.Future[Any]) -> None:
        self._in_threads += 1
        future.add_done_callback(self._released)

    def _released(self, _future: asyncio.Future[Any]) -> None:
        self._in_threads -= 1


class _PatientSelector(selectors.DefaultSelector):
    """Waits for sockets in real time, and for timers not at all."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return what is ready; after `timeout` virtual seconds nothing."""
        self._turns += 1
        if self._turns > BREATHLESS:
            self._turns = 0  # the tasks are cancelled now, and get as much time for that
            raise StandstillError(f"no time passed in {BREATHLESS:,} turns of the loop")
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        while not (ready := super().select(GRACE)):
            if not self._loop.is_busy():
                self._loop.jump(timeout)
                self._turns = 0
                return []
            if ready := super().select(LOOK):
                return ready
        return ready


class VirtualTime:
    """The time of day by a loop: a `Clock` of the local Slack, and `wall` for the bot.

    It begins now, because APScheduler's jobs are first due by the machine's own clock.
    """

    def __init__(self, loop: VirtualTimeLoop) -> None:
        self.loop = loop
        self._began = datetime.now(UTC) - timedelta(seconds=loop.time())

    @classmethod
    def of_this_loop(cls) -> VirtualTime:
        """Return the time of the running loop, which must be a virtual one."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        return cls(loop)

    def wall(self) -> datetime:
        """The time of day, in UTC."""
        return self._began + timedelta(seconds=self.loop.time())

    def set_back(self, by: timedelta) -> None:
        """Somebody sets the clock of the machine back."""
        self._began -= by

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        return self._began.timestamp() + self.loop.time()

    def call_later(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Run `action` once `seconds` have passed."""
        return self.loop.call_later(max(seconds, 0.0), action)


@contextmanager
def scheduler_goes_by(clock: Callable[[], datetime]) -> Iterator[None]:
    """APScheduler 3 asks the machine what time it is; inside this block it asks `clock`."""

    class _Now(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock().astimezone(tz)

    module: Any = apscheduler.schedulers.base
    before, module.datetime = module.datetime, _Now
    try:
        yield
    finally:
        module.datetime = before
