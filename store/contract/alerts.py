"""What came in, and how far Slack's own history was read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.incidents.correlation import Named
from bot.incidents.model import Alert, GroupedAlerts
from store.contract.part import Part
from store.operations import (
    alerts,
    deliveries,
    grouping,
    marks,
)
from store.operations.folding import Arrival
from store.operations.marks import ReadMark
from store.rows import (
    Receipt,
    TracedAlert,
)


class Alerts(Part):
    """The methods of `Store` for alerts."""

    async def accept(
        self,
        key: str,
        named: Sequence[Named],
        *,
        channel: str,
        now: datetime,
        posted: bool = True,
    ) -> Receipt:
        """Write every alert of one delivery and fold it into its incident, all or nothing.

        The second call with the same `key` changes nothing; so does an alert whose dedup_key is
        stored, and a reminder (`retold_as`) of what fires unchanged, or of what a person resolved
        less than 15 minutes ago. `channel` is where a new incident's card goes; `posted`:
        the sender's own message stands there.
        """
        arrival = Arrival(channel, now, self.card_update_seconds, posted)
        return await self._write(alerts.accept, key, named, arrival)

    async def first_time(self, key: str, now: datetime) -> bool:
        """True exactly once for each key, across processes and restarts."""
        return await self._write(deliveries.first_time, key, now)

    async def known_deliveries(self, keys: Sequence[str]) -> set[str]:
        """Which of these deliveries were taken in before."""
        return await self._engine.read(deliveries.known, keys)

    async def read_mark(self, channel: str) -> ReadMark | None:
        """How far the channel's history in Slack was read; None if it never was."""
        return await self._engine.read(marks.get, channel)

    async def mark_read(self, channel: str, ts: str, *, edits_too: bool) -> None:
        """The channel's history was read up to `ts`; the first time, it is from there on.

        `edits_too`: with what was edited and answered in threads until then.
        """
        await self._write(marks.put, channel, ts, edits_too)

    async def open_since(self, channel: str) -> datetime | None:
        """When the oldest incident opened that is still open in the channel."""
        return await self._engine.read(marks.open_since, channel)

    async def latest_alert(self, incident_id: int) -> Alert | None:
        """The newest firing alert of an incident."""
        return await self._engine.read(alerts.latest, incident_id)

    async def grouped_alerts(
        self, incident_id: int, *, limit: int, offset: int = 0
    ) -> GroupedAlerts:
        """A page of the incident's alerts, each once, with why it joined."""
        return await self._engine.read(grouping.grouped, incident_id, limit, offset)

    async def trace(self, tracking_id: str) -> list[TracedAlert]:
        """Every alert that carries this tracking id, oldest first."""
        return await self._engine.read(alerts.trace, tracking_id)
