"""Work that is due by time alone, for many incidents: reminders, retries, the end of a day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.configuration import LiveConfiguration
from bot.incidents.subject import Scope
from bot.observability.metrics import Metrics
from bot.policy import Retention
from store import Store
from store.operations.cutoffs import Cutoff
from store.operations.retention import Limits
from store.topics import Topic

HOURS_A_STEP = 48  # hours of history summarised at once, each in a transaction of its own


def limits_of(keep: Retention, now: datetime) -> Limits:
    """Return the times before which the policy does not keep rows any longer."""
    return Limits(
        deliveries=now - timedelta(days=keep.deliveries_days),
        details=now - timedelta(days=keep.alerts_days),
        turns=now - timedelta(days=keep.turns_days),
        stats=now - timedelta(days=keep.stats_days),
        silences=now - timedelta(days=keep.silences_days),
        corrections=now - timedelta(days=keep.corrections_days),
    )


class Upkeep:
    """Keeps the store up to date with the time that passes."""

    def __init__(
        self,
        store: Store,
        config: LiveConfiguration,
        clock: Callable[[], datetime],
        metrics: Metrics,
        ops_channel: str,
    ) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._metrics = metrics
        self._ops_channel = ops_channel

    async def report_unanswered(self) -> None:
        """Post in the threads of incidents that nobody acknowledged in time."""
        policy, now = self._config.current.policy, self._clock()

        def mentions(scope: Scope) -> Sequence[str]:
            return policy.for_scope(scope).notify.mentions or policy.remediate.approvers

        if cutoff := self._cutoff(now, "notify", "unanswered_seconds", timedelta(seconds=1)):
            await self._store.report_unanswered(cutoff, mentions, now)

    async def end_flapping(self) -> None:
        """End the flapping of incidents in which nothing changed for the window."""
        now, second = self._clock(), timedelta(seconds=1)
        if cutoff := self._cutoff(now, "correlate", "flapping_window_seconds", second):
            await self._store.end_flapping(cutoff, now)

    async def end_stale(self) -> None:
        """Close incidents of which nothing was heard for long; ask about those with an owner."""
        now = self._clock()
        if cutoff := self._cutoff(now, "correlate", "stale_after_hours", timedelta(hours=1)):
            await self._store.close_stale(cutoff, now)
            await self._store.ask_if_stale(cutoff, now)

    def _cutoff(self, now: datetime, segment: str, key: str, unit: timedelta) -> Cutoff | None:
        """Return the times that lie so long before now as the policy says; None for never."""
        policy = self._config.current.policy
        spans = [span for span in policy.values_of(segment, key) if span]
        if not spans:
            return None

        def by_scope(scope: Scope) -> datetime | None:
            span = getattr(getattr(policy.for_scope(scope), segment), key)
            return now - span * unit if span else None

        is_one = len(policy.values_of(segment, key)) == 1

        def override_of(scope: Scope) -> str:
            return policy.decided_by(scope, segment, key)

        latest = now - min(spans) * unit
        return Cutoff(latest) if is_one else Cutoff(latest, by_scope, override_of)

    async def retry_outbox(self) -> None:
        """Wake the outbox for what fell due by time, and enqueue again what it gave up long ago.

        Messages that wait in threads for too long get their turn among the cards.
        """
        self._store.signal(Topic.OUTBOX).set()
        now = self._clock()
        await self._store.outbox_retry_failed(now)
        await self._store.outbox_raise_priority(now)
        await self._count_backlog()

    async def close_audit_day(self) -> None:
        """Prove the day that is over and post its head in the ops channel: only once."""
        await self._store.close_audit_day(self._ops_channel, self._clock())

    async def summarise_hours(self) -> None:
        """Summarise the hours that are over, for the statistics; at most two days of them."""
        now = self._clock()
        for _ in range(HOURS_A_STEP):
            if not await self._store.summarise_hour(now):
                return

    async def prune(self) -> None:
        """Delete what the policy does not keep any longer, and note how large the store is."""
        now = self._clock()
        keep = self._config.current.policy.retention
        await self._store.prune(limits_of(keep, now))
        await self._store.prune_audit(now - timedelta(days=keep.audit_days), now)
        await self._store.measure_size(now)

    async def _count_backlog(self) -> None:
        waiting, failed = await self._store.outbox_backlog()
        self._metrics.outbox_waiting.set(waiting)
        self._metrics.outbox_failed.set(failed)
