"""A step: a function, and what makes it run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from bot.tasks import cancel_all
from store.topics import Topic

log = logging.getLogger(__name__)

Function = Callable[[], Awaitable[object]]
"""Does one piece of work. Returns its name, which no other piece has, if there may be more."""


class Replicas(Enum):
    """The replicas that run a step."""

    EACH = "each"
    ONE = "one"  # the one that holds the claim `job/<name of the step>`


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table.

    A commit that concerns `topic` wakes the step, and so does the clock every `seconds`. A step
    with a topic is one loop, which runs until it finds no more work. One without a topic is a job
    of the clock; with `overlaps` it begins again while an earlier run waits for a slow answer.
    """

    name: str
    run: Function | Pool[Any]
    topic: Topic | None = None
    seconds: float | None = None
    replicas: Replicas = Replicas.EACH
    overlaps: bool = False


class Claimed(Protocol):
    """Claimed work."""

    @property
    def id(self) -> int | str:
        """The same when the same is claimed again."""


T = TypeVar("T", bound=Claimed)


class Pool(Generic[T]):
    """Claims one task after the other, and works on up to `limit()` of them at a time.

    A slow task delays only itself: the next one is claimed meanwhile.
    """

    def __init__(
        self,
        claim: Callable[[], Awaitable[T | None]],
        work: Callable[[T], Awaitable[None]],
        limit: Callable[[], int],
    ) -> None:
        self._claim = claim
        self._work = work
        self._limit = limit
        self._running: set[asyncio.Task[None]] = set()

    async def start_next(self, name: str, wake: asyncio.Event) -> str | None:
        """Claim a task and start it; None when there is none, or no free slot.

        `wake` is set whenever a slot becomes free. `name` is for the log.
        """
        if len(self._running) >= self._limit():
            return None
        claimed = await self._claim()
        if claimed is None:
            return None

        def ended(task: asyncio.Task[None]) -> None:
            self._running.discard(task)
            wake.set()
            if not task.cancelled() and (error := task.exception()):
                log.error("%s failed; it goes on", name, exc_info=error)

        task = asyncio.create_task(self._work_on(claimed), name=name)
        self._running.add(task)
        task.add_done_callback(ended)
        return str(claimed.id)

    async def finish(self) -> None:
        """Wait until every task that was started has ended."""
        if self._running:
            await asyncio.wait(self._running)

    async def cancel(self) -> None:
        """End the tasks that still run; the next process claims them again."""
        await cancel_all(self._running)

    async def _work_on(self, claimed: T) -> None:
        await self._work(claimed)
