"""Counts in the histograms how long people waited, from the times in the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.observability.metrics import Metrics
from store import Store

SETTLED_AFTER = timedelta(seconds=5)  # a transaction that began before then has ended by now
MOST_AT_ONCE = timedelta(minutes=10)  # a new leader does not count the hours before it


class ServiceLevelWatch:
    """Each span is counted by the one replica that leads this step."""

    def __init__(self, store: Store, metrics: Metrics, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._metrics = metrics
        self._clock = clock
        self._counted_until = clock()

    async def observe(self) -> None:
        """Count what ended since the last call, but for the last five seconds."""
        until = self._clock() - SETTLED_AFTER
        since = max(self._counted_until, until - MOST_AT_ONCE)
        if until <= since:
            return
        spans = await self._store.durations(since, until)
        self._counted_until = until
        for span, durations in spans.items():
            for seconds in durations:
                self._metrics.service_levels.observe(span, seconds)
