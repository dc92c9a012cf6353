"""Loops that do what the store says is due: woken by a commit, and now and then by themselves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

from bot.errors import StoreError
from bot.observability.throttled_logger import ThrottledLogger
from store.replica import Replica

log = logging.getLogger(__name__)

POLL = 1.0  # seconds; a commit wakes the loop, this is for what fell due by time

Step = Callable[[], Awaitable[str | None]]
"""Does one piece of work. Returns its name, which no other piece has; None when there is none."""

BEATS = 3  # renewals a lease, so that one that fails is not the end


async def heartbeat(replica: Replica, clock: Callable[[], datetime]) -> None:
    """Renew the lease until cancelled."""
    throttled = ThrottledLogger(log, logging.WARNING, "the lease is not renewed: %s")
    while True:
        await asyncio.sleep(replica.seconds / BEATS)
        try:
            await replica.renew(clock())
        except StoreError as error:
            throttled.log(error)


class Claimed(Protocol):
    """Claimed work."""

    @property
    def id(self) -> int | str:
        """The same when the same is claimed again."""


T = TypeVar("T", bound=Claimed)


async def _worked(work: Callable[[T], Awaitable[None]], claimed: T) -> None:
    await work(claimed)


class Workers:
    """The loops of one process."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._signals: list[asyncio.Event] = []
        self._stopping = False

    def start(
        self,
        name: str,
        signal: asyncio.Event,
        step: Step,
        *,
        poll: float | None = POLL,
    ) -> None:
        """Do `step` while it finds work; then wait for `signal`, at most `poll` seconds."""
        self._signals.append(signal)
        self._tasks.append(asyncio.create_task(self._loop(name, signal, step, poll), name=name))

    def start_pool(
        self,
        name: str,
        signal: asyncio.Event,
        claim: Callable[[], Awaitable[T | None]],
        work: Callable[[T], Awaitable[None]],
        limit: Callable[[], int],
    ) -> None:
        """Claim one after the other, and work on up to `limit` of them at a time.

        A slow task delays only itself: the next one is claimed meanwhile.
        """
        self._signals.append(signal)
        pool = self._pool(name, signal, claim, work, limit)
        self._tasks.append(asyncio.create_task(pool, name=name))

    def once(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        """Do `step` one time, beside everything else."""

        async def run() -> None:
            try:
                await step()
            except Exception:
                log.exception("%s failed", name)

        self._tasks.append(asyncio.create_task(run(), name=name))

    async def stop(self, timeout: float) -> None:
        """Let the steps under way finish, for at most `timeout` seconds.

        What is cut off then is picked up by the next process: it is all in the store.
        """
        self._stopping = True
        for signal in self._signals:
            signal.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _pool(
        self,
        name: str,
        signal: asyncio.Event,
        claim: Callable[[], Awaitable[T | None]],
        work: Callable[[T], Awaitable[None]],
        limit: Callable[[], int],
    ) -> None:
        running: set[asyncio.Task[None]] = set()

        def ended(task: asyncio.Task[None]) -> None:
            running.discard(task)
            signal.set()  # there is a free slot
            if not task.cancelled() and (error := task.exception()):
                log.error("%s failed; it goes on", name, exc_info=error)

        async def fill() -> str | None:
            if len(running) >= limit():
                return None
            claimed = await claim()
            if claimed is None:
                return None
            task = asyncio.create_task(_worked(work, claimed), name=name)
            running.add(task)
            task.add_done_callback(ended)
            return str(claimed.id)

        try:
            await self._loop(name, signal, fill, POLL)
            if running:  # it stops: what was claimed is finished
                await asyncio.wait(running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _loop(
        self,
        name: str,
        signal: asyncio.Event,
        step: Step,
        poll: float | None,
    ) -> None:
        throttled = ThrottledLogger(log, logging.WARNING, f"{name} waits for the store: %s")
        while not self._stopping:
            signal.clear()
            try:
                await self._while_there_is_work(name, step)
            except StoreError as error:
                throttled.log(error)
            except Exception:
                log.exception("%s failed; it goes on", name)
            try:
                await asyncio.wait_for(signal.wait(), poll)
            except TimeoutError:
                continue

    async def _while_there_is_work(self, name: str, step: Step) -> None:
        """Do `step` until it finds nothing, or finds again what it has just done.

        The second would never end: the step did not change what makes it find its work.
        """
        done: set[str] = set()
        while not self._stopping and (work := await step()):
            if work in done:
                log.error("%s found %s again right after it was done; it rests", name, work)
                await asyncio.sleep(POLL)
                return
            done.add(work)
