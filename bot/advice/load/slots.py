"""A limited number of slots, and a bounded queue before them: the most severe first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.incidents.model import Severity


class NoSlotError(Exception):
    """The queue is full, or no slot became free in time."""


@dataclass(slots=True, eq=False)
class _Waiter:
    severity: Severity
    woken: asyncio.Future[None] = field(default_factory=asyncio.Future)


class Slots:
    """`places` run at once, `max_waiting()` wait for at most `timeout` seconds, more are refused.

    The most severe that waits is next; among equals the one that came first. A full queue refuses
    its least severe: that may be one that waits already.
    """

    def __init__(self, places: int, *, max_waiting: Callable[[], int], timeout: float) -> None:
        self.places = places
        self.active = 0
        self._max_waiting = max_waiting
        self._timeout = timeout
        self._queue: list[_Waiter] = []

    @property
    def waiting(self) -> int:
        """Return how many wait for a slot."""
        return len(self._queue)

    @asynccontextmanager
    async def acquire(self, severity: Severity = Severity.MEDIUM) -> AsyncIterator[None]:
        """Hold a slot for the length of the block; raise NoSlotError if there is none."""
        if self.active < self.places:
            self.active += 1  # nobody waits while a slot is free
        else:
            await self._wait(_Waiter(severity))
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, waiter: _Waiter) -> None:
        """Return with the slot of one that is done."""
        self._queue.append(waiter)
        # A task that is ending stands in the queue until it runs once more.
        waiting = [each for each in self._queue if not each.woken.cancelled()]
        if len(waiting) > self._max_waiting():
            refused = max(reversed(waiting), key=lambda each: each.severity.rank)
            self._queue.remove(refused)
            if refused is waiter:
                raise NoSlotError
            refused.woken.set_exception(NoSlotError())
        try:
            async with asyncio.timeout(self._timeout):
                await waiter.woken
        except BaseException as error:
            if waiter in self._queue:
                self._queue.remove(waiter)
            elif _has_slot(waiter):
                self._pass_on()  # it cannot use it any more
            if isinstance(error, TimeoutError):
                raise NoSlotError from None
            raise

    def _pass_on(self) -> None:
        """Give the slot to the next that waits, or free it."""
        if not self._queue:
            self.active -= 1
            return
        following = min(self._queue, key=lambda each: each.severity.rank)
        self._queue.remove(following)
        if following.woken.cancelled():
            self._pass_on()  # its task is ending, and it left the queue only now
        else:
            following.woken.set_result(None)


def _has_slot(waiter: _Waiter) -> bool:
    woken = waiter.woken
    return woken.done() and not woken.cancelled() and woken.exception() is None
