"""Gathers deliveries that arrive at the same time, so that one transaction takes in several.

A burst is many small deliveries of the same alerts' incidents. While a transaction runs, what
arrives waits for the next one; at other times nothing waits. The next one begins at the end of the
one before, or sooner: when enough deliveries wait, or when they have waited long enough.
Transactions that run side by side wait for each other's incidents, and small ones cost more per
alert.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bot.errors import StoreError
from store.operations.accepting import IncomingDelivery, accept, accept_together
from store.receipts import Receipt

SMALL = 8  # alerts of a delivery that is gathered; larger ones are read and written together alone
MOST = 64  # alerts of a transaction: it reads and writes each incident of theirs once
AT_ONCE = 4  # transactions that run side by side
ENOUGH = 16  # deliveries that begin a transaction beside one that runs
LONGEST_WAIT = 0.05  # seconds that fewer of them wait for one that runs

_Waiting = tuple[IncomingDelivery, "asyncio.Future[Receipt]"]


class GatheredDeliveries:
    """Takes in small deliveries, several in one transaction under load.

    `write` runs an operation as a transaction, as `Part._write`.
    """

    def __init__(self, write: Callable[..., Awaitable[Any]]) -> None:
        self._write = write
        self._waiting: list[_Waiting] = []
        self._running: set[asyncio.Task[None]] = set()
        self._overdue: asyncio.TimerHandle | None = None

    async def accept(self, delivery: IncomingDelivery) -> Receipt:
        """Return the receipt once the delivery is durable; see `accepting.accept`.

        If its transaction fails because of one delivery, each is tried alone.
        """
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, future))
        if not self._running or len(self._waiting) >= ENOUGH:
            self._begin()
        elif self._overdue is None:
            self._overdue = asyncio.get_running_loop().call_later(LONGEST_WAIT, self._begin_overdue)
        return await future

    def _begin(self) -> None:
        """Begin a transaction beside those that run, if there may be another one."""
        if len(self._running) < AT_ONCE:
            task = asyncio.create_task(self._run(), name="accept deliveries")
            self._running.add(task)

    def _begin_overdue(self) -> None:
        """Wait no longer for a transaction that is held up: it may wait for another replica."""
        self._overdue = None
        if self._waiting:
            self._begin()

    async def _run(self) -> None:
        try:
            while self._waiting:
                chosen = self._next()
                try:
                    await self._accept(chosen)
                finally:
                    for _, future in chosen:
                        future.cancel()  # one that has its answer is not: this task was cancelled
        finally:
            # Here, not in a callback of the task: a caller that goes on at once finds none running.
            if (task := asyncio.current_task()) is not None:
                self._running.discard(task)

    def _next(self) -> list[_Waiting]:
        """Return the deliveries of the next transaction; the second of one key waits."""
        chosen: dict[str, _Waiting] = {}
        kept: list[_Waiting] = []
        alerts = 0
        for place, waiting in enumerate(self._waiting):
            delivery = waiting[0]
            alerts += len(delivery.named)
            if alerts > MOST:
                kept += self._waiting[place:]
                break
            if delivery.key in chosen:
                kept.append(waiting)
            else:
                chosen[delivery.key] = waiting
        self._waiting = kept
        if not kept and self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        return list(chosen.values())

    async def _accept(self, chosen: Sequence[_Waiting]) -> None:
        if len(chosen) > 1:
            try:
                receipts = await self._write(accept_together, [item for item, _ in chosen])
            except Exception as error:  # noqa: BLE001 - the callers get it, or their own
                if isinstance(error, StoreError) and not error.permanent:
                    for _, future in chosen:
                        _fail(future, error)
                    return
            else:
                for (_, future), receipt in zip(chosen, receipts, strict=True):
                    _succeed(future, receipt)
                return
        for delivery, future in chosen:
            try:
                receipt = await self._write(accept, delivery.key, delivery.named, delivery.arrival)
            except Exception as error:  # noqa: BLE001 - its caller gets it
                _fail(future, error)
            else:
                _succeed(future, receipt)


def _succeed(future: asyncio.Future[Receipt], receipt: Receipt) -> None:
    if not future.done():  # the caller was cancelled; what it wrote stands
        future.set_result(receipt)


def _fail(future: asyncio.Future[Receipt], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
