"""Runs the table of steps: a commit wakes a step by its topic, the clock by its interval.

APScheduler is only the clock. The store decides what is due and which replica does it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import StoreError
from bot.observability.throttled_logger import ThrottledLogger
from bot.steps.step import Function, Pool, Replicas, Step
from bot.tasks import cancel_all
from store import Store

log = logging.getLogger(__name__)

OVERLAPPING = 100  # runs of one step at the same time
REST = 1.0  # seconds that a step rests when it finds again the work that it has just done


class StepRunner:
    """Runs the steps of one process: `start` begins those with a topic, `start_clock` the rest."""

    def __init__(self, steps: Sequence[Step], store: Store, clock: Callable[[], datetime]) -> None:
        self.steps = tuple(steps)
        self.scheduler = AsyncIOScheduler(timezone="UTC")
        self._store = store
        self._clock = clock
        self._loops: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        """Begin the loop of every step that has a topic; each runs at once for the first time."""
        for step in self.steps:
            if step.topic is not None:
                wake = self._store.signal(step.topic)
                loop = self._pool_loop if isinstance(step.run, Pool) else self._loop
                self._loops.append(asyncio.create_task(loop(step, wake), name=step.name))

    def start_clock(self) -> None:
        """Run, or wake, each step by its interval, never in a backlog.

        All begin in one moment, so that an idle process wakes once a second, not once for each.
        """
        now = datetime.now(UTC)
        for step in self.steps:
            if step.seconds is not None:
                self.scheduler.add_job(
                    self._wake(step) if step.topic else self._tick(step),
                    "interval",
                    seconds=step.seconds,
                    id=step.name,
                    next_run_time=now,
                    max_instances=OVERLAPPING if step.overlaps else 1,
                    coalesce=True,
                    misfire_grace_time=None,
                )
        self.scheduler.start()

    def stop_clock(self) -> None:
        """Start no step by time any more; the next process continues the unfinished work."""
        self.scheduler.shutdown(wait=False)

    async def stop(self, timeout: float) -> None:
        """Let the loops finish their present work, for at most `timeout` seconds.

        The next process continues cancelled work, because the store has all of it.
        """
        self._stopping = True
        for step in self.steps:
            if step.topic is not None:
                self._store.signal(step.topic).set()
        if self._loops:
            await asyncio.wait(self._loops, timeout=timeout)
        await cancel_all(self._loops)

    def _wake(self, step: Step) -> Function:
        assert step.topic is not None  # noqa: S101 - only such a step is woken
        signal = self._store.signal(step.topic)

        async def wake() -> None:
            signal.set()

        return wake

    def _tick(self, step: Step) -> Function:
        """Run a step by the clock. A run that the end of the process cancels is no error."""
        throttled = _logger_of(step)
        run = self._run_of(step)

        async def tick() -> None:
            with contextlib.suppress(asyncio.CancelledError):
                try:
                    await run()
                except StoreError as error:
                    throttled.log(error)

        return tick

    def _run_of(self, step: Step) -> Function:
        """Return the step's function, if this replica must run it."""
        if isinstance(step.run, Pool):
            raise TypeError(f"{step.name}: only a step with a topic can be a pool")
        run = step.run
        if step.replicas is Replicas.EACH:
            return run

        async def run_if_leading() -> object:
            if await self._store.replica.leads(f"job/{step.name}", self._clock()):
                return await run()
            return None

        return run_if_leading

    async def _pool_loop(self, step: Step, wake: asyncio.Event) -> None:
        assert isinstance(step.run, Pool)  # noqa: S101 - the caller has chosen by this
        pool = step.run
        try:
            await self._loop(step, wake, partial(pool.start_next, step.name, wake))
            await pool.finish()
        finally:
            await pool.cancel()

    async def _loop(self, step: Step, wake: asyncio.Event, run: Function | None = None) -> None:
        run = run or self._run_of(step)
        throttled = _logger_of(step)
        while not self._stopping:
            wake.clear()
            try:
                await self._while_there_is_work(step.name, run)
            except StoreError as error:
                throttled.log(error)
            except Exception:  # one bug must not end a step for good
                log.exception("%s failed; it goes on", step.name)
            await wake.wait()

    async def _while_there_is_work(self, name: str, run: Function) -> None:
        """Run the step until it finds no work, or finds the work that it has just done.

        Repeating that would never end, because the step did not change its condition.
        """
        done: set[object] = set()
        while not self._stopping and (work := await run()):
            if work in done:
                log.error("%s found %s again right after it was done; it rests", name, work)
                await asyncio.sleep(REST)
                return
            done.add(work)


def _logger_of(step: Step) -> ThrottledLogger:
    return ThrottledLogger(log, logging.WARNING, f"{step.name} waits for the store: %s")
