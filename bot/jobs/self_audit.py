"""Each minute: is all done that is due, and is the audit trail still ours? Else people hear it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.errors import SopbotError
from bot.observability.events import Event, emit
from bot.observability.metrics import Metrics
from store import Store
from store.operations.overdue_work import KINDS, OverdueWork


class SelfAudit:
    """Looks at the store, and says what stands still: in the ops channel, /readyz and a metric.

    The ops channel has one message while something does, changed in place.
    """

    def __init__(
        self, store: Store, metrics: Metrics, clock: Callable[[], datetime], ops_channel: str
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._ops_channel = ops_channel
        self._stuck: list[OverdueWork] = []

    async def run(self) -> None:
        """Look once."""
        now = self._clock()
        self._stuck = stuck = await self._store.overdue_work(now)
        counts = dict.fromkeys(KINDS, 0) | {one.what: one.count for one in stuck}
        self._metrics.stuck(counts)
        for one in stuck:
            emit(Event.WORK_OVERDUE, what=one.what, count=one.count, names=list(one.names))
        body = [[one.says, one.count, list(one.names)] for one in stuck]
        await self._store.upsert_notice("stuck", self._ops_channel, body, now, over=not stuck)
        await self._store.check_trail(self._ops_channel, now)

    async def check_trail(self) -> None:
        """SopbotError, with the reason, while the audit trail is not the one that was seen."""
        if why := await self._store.trail_dispute():
            raise SopbotError(f"the audit trail was cut back or replaced: {why}")

    async def check(self) -> None:
        """SopbotError when the last look found something."""
        if self._stuck:
            raise SopbotError("; ".join(f"{one.count} {one.says}" for one in self._stuck))
