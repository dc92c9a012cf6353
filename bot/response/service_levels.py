"""Counts in the histograms how long people waited, from the times in the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.observability.metrics import Metrics
from store import Store

SETTLED_AFTER = timedelta(seconds=5)  # a transaction that began before then has ended by now
LONGEST_GAP = timedelta(minutes=1)  # between two counts of a leader, also of one with a slow store


class ServiceLevelWatch:
    """Counts each span once: one replica leads this step."""

    def __init__(self, store: Store, metrics: Metrics, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._counted_until = clock()

    async def observe(self) -> None:
        """Count what ended since the last call, except in the last five seconds.

        After a long gap it begins anew: another replica led and counted meanwhile.
        """
        until = self._clock() - SETTLED_AFTER
        if until - self._counted_until > LONGEST_GAP:
            self._counted_until = until
        if until <= self._counted_until:
            return
        spans = await self._store.durations(self._counted_until, until)
        self._counted_until = until
        for span, durations in spans.items():
            for seconds in durations:
                self._metrics.service_levels.observe(span, seconds)
