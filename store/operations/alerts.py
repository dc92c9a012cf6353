"""Alerts: taken in, and found again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property

from bot.incidents.correlation import IdentifiedAlert, Reason
from bot.incidents.model import Alert, UnmatchedResolve
from bot.intake.reading import IdentifiedActivity
from store.operations import gathering, suppression
from store.operations.accepting import IncomingDelivery, accept
from store.operations.gathering import GatheredDeliveries
from store.operations.part import Part
from store.operations.stages import repeated_as
from store.receipts import Receipt
from store.rows import TracedAlert, alert_from_json, facts_from
from store.statements import Operation, Row, Statement, from_db_time, query


def latest(incident_id: int) -> Operation[Alert | None]:
    """The newest firing alert of an incident."""
    return latest_from((yield reading_latest(incident_id)))


def reading_latest(incident_id: int) -> Statement:
    """Reads the newest firing alert of an incident, for `latest_from`."""
    return query(
        "SELECT body FROM alerts WHERE incident_id = ? AND status = 'firing'"
        " ORDER BY id DESC LIMIT 1",
        incident_id,
    )


def latest_from(rows: Sequence[Row]) -> Alert | None:
    """The alert that `reading_latest` has read."""
    return alert_from_json(rows[0]["body"]) if rows else None


def trace(tracking_id: str) -> Operation[list[TracedAlert]]:
    """Every alert that carries this tracking id; of a repeat, those that it repeated."""
    sql = "SELECT * FROM alerts WHERE tracking_id = ? ORDER BY id"
    rows = yield query(sql, tracking_id)
    if not rows:
        original = yield from repeated_as(tracking_id)
        rows = (yield query(sql, original)) if original else []
    return [
        TracedAlert(
            row["tracking_id"],
            row["source"],
            row["status"],
            row["name"],
            row["severity"],
            row["fingerprint"],
            row["reason"],
            from_db_time(row["received_at"]),
            row["incident_id"],
            alert_from_json(row["body"]).read_from,
            facts_from(row["decision"]),
        )
        for row in rows
    ]


def unmatched(limit: int) -> Operation[list[UnmatchedResolve]]:
    """The newest resolves that matched no open incident."""
    rows = yield query(
        "SELECT tracking_id, received_at, sender, body FROM alerts"
        " WHERE incident_id IS NULL AND status = 'resolved' AND reason = ?"
        " ORDER BY id DESC LIMIT ?",
        Reason.NOTHING_TO_CLOSE,
        limit,
    )
    return [
        UnmatchedResolve(
            row["tracking_id"],
            row["sender"],
            from_db_time(row["received_at"]),
            alert_from_json(row["body"]),
        )
        for row in rows
    ]


class AlertsPart(Part):
    """The methods of `Store` for alerts."""

    @cached_property
    def _gathered(self) -> GatheredDeliveries:
        return GatheredDeliveries(self._write)

    async def accept(
        self,
        key: str,
        named: Sequence[IdentifiedAlert],
        *,
        channel: str,
        now: datetime,
        posted: bool = True,
        activities: Sequence[IdentifiedActivity] = (),
        arrived_at: datetime | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> Receipt:
        """Write every alert of one delivery and fold it into its incident, all or nothing.

        The second call with the same `key` changes nothing; so does an alert whose dedup_key is
        stored, and a reminder (`series_key`) of what fires unchanged, or of what a person resolved
        less than `correlate.reopen_within_seconds` ago. `channel` is where a new incident's card
        goes; `posted`: the sender's own message stands there. `activities` reach the incidents of
        their alerts.
        `arrived_at` is when the first bytes came, `clock` tells when each alert is written.
        """
        current = self.config.current
        policy = current.policy
        arrival = suppression.delivery_context(
            current, channel, now, posted=posted, arrived_at=arrived_at, clock=clock
        )
        if not activities and 0 < len(named) <= gathering.SMALL:
            return await self._gathered.accept(IncomingDelivery(key, named, arrival))
        return await self._write(
            accept,
            key,
            named,
            arrival,
            activities,
            may_acknowledge=policy.ingest.acknowledge_at_source,
        )

    async def latest_alert(self, incident_id: int) -> Alert | None:
        """The newest firing alert of an incident."""
        return await self._engine.read(latest, incident_id)

    async def unmatched_resolves(self, limit: int = 10) -> list[UnmatchedResolve]:
        """The newest resolves that matched no open incident, newest first."""
        return await self._engine.read(unmatched, limit)

    async def trace(self, tracking_id: str) -> list[TracedAlert]:
        """Every alert that carries this tracking id, oldest first.

        Of an alert that only repeated a stored one, the stored one: known for the last repeat of
        each hour.
        """
        return await self._engine.read(trace, tracking_id)
