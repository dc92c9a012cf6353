"""Looks for overdue work and for a replaced audit trail, and reports both to people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.errors import SopbotError
from bot.observability.events import Event, emit
from bot.observability.metrics import Metrics
from store import Store
from store.operations.overdue_work import KINDS, OverdueWork


class Watchdog:
    """Reports overdue work in the ops channel, in /readyz and in a metric.

    While there is some, the ops channel has one message about it, which is changed in place.
    """

    def __init__(
        self, store: Store, metrics: Metrics, clock: Callable[[], datetime], ops_channel: str
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._ops_channel = ops_channel
        self._overdue: list[OverdueWork] = []

    async def run(self) -> None:
        """Look for overdue work, and report it."""
        now = self._clock()
        self._metrics.service_levels.replicas.set(await self._store.live_replicas(now))
        self._overdue = overdue = await self._store.overdue_work(now)
        counts = dict.fromkeys(KINDS, 0) | {work.what: work.count for work in overdue}
        self._metrics.set_overdue(counts)
        for work in overdue:
            emit(Event.WORK_OVERDUE, what=work.what, count=work.count, names=list(work.names))
        body = [[work.says, work.count, list(work.names)] for work in overdue]
        await self._store.upsert_notice("stuck", self._ops_channel, body, now, over=not overdue)
        await self._store.check_trail(self._ops_channel, now)

    async def check_trail(self) -> None:
        """SopbotError, with the reason, while the audit trail is not the one that was seen."""
        if why := await self._store.trail_dispute():
            raise SopbotError(f"the audit trail was cut back or replaced: {why}")

    async def check(self) -> None:
        """SopbotError when there was overdue work at the last run."""
        if self._overdue:
            raise SopbotError("; ".join(f"{work.count} {work.says}" for work in self._overdue))
