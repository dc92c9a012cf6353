"""A limited number of slots, and a short queue before them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class NoSlotError(Exception):
    """The queue is full, or no slot became free in time."""


class Slots:
    """`places` run at once, `max_waiting` wait for at most `timeout` seconds, the rest is refused.

    The queue is first in, first out.
    """

    def __init__(self, places: int, *, max_waiting: int, timeout: float) -> None:
        self.places = places
        self.active = 0
        self.waiting = 0
        self._max_waiting = max_waiting
        self._timeout = timeout
        self._free = asyncio.Semaphore(places)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        """Hold a slot for the length of the block; raise NoSlotError if there is none."""
        if self._free.locked() and self.waiting >= self._max_waiting:
            raise NoSlotError
        self.waiting += 1
        try:
            async with asyncio.timeout(self._timeout):
                await self._free.acquire()
        except TimeoutError:
            raise NoSlotError from None
        finally:
            self.waiting -= 1
        self.active += 1
        try:
            yield
        finally:
            self.active -= 1
            self._free.release()
