"""Housekeeping: prunes old rows, and proves that writes reach the disk."""

from __future__ import annotations

from datetime import datetime

from store.operations.part import Part
from store.statements import Operation, execute, query, run, to_db_time


def prune(deliveries_before: datetime, resolved_before: datetime) -> Operation[dict[str, int]]:
    """Forget old deliveries, and the raw alerts of incidents resolved long ago.

    1. Delete old deliveries and the keys of old questions. 2. Delete the alerts, and the activity
    at their senders. 3. Delete the shared parts that no alert needs. 4. Delete old questions by
    HTTP. 5. Delete lapsed leases.
    Incidents, their timeline, votes and executions stay: they are the record.
    """
    deliveries = yield execute(
        "DELETE FROM deliveries WHERE seen_at < ?", to_db_time(deliveries_before)
    )
    yield run("DELETE FROM idempotency_keys WHERE seen_at < ?", to_db_time(deliveries_before))
    alerts = yield execute(
        "DELETE FROM alerts WHERE received_at < ? AND (incident_id IS NULL OR incident_id IN"
        " (SELECT id FROM incidents WHERE status = 'resolved' AND resolved_at < ?))"
        " AND NOT EXISTS (SELECT 1 FROM suppressed u WHERE u.alert_id = alerts.id)",
        to_db_time(resolved_before),
        to_db_time(resolved_before),
    )
    yield run(
        "DELETE FROM activities WHERE received_at < ? AND (incident_id IS NULL OR incident_id IN"
        " (SELECT id FROM incidents WHERE status = 'resolved' AND resolved_at < ?))",
        to_db_time(resolved_before),
        to_db_time(resolved_before),
    )
    # Not one that was seen lately: a delivery that shares it may be about to commit.
    yield run(
        "DELETE FROM shared_parts WHERE seen_at < ? AND NOT EXISTS"
        " (SELECT 1 FROM alerts a WHERE a.shared = shared_parts.digest)",
        to_db_time(resolved_before),
    )
    yield run("DELETE FROM http_questions WHERE asked_at < ?", to_db_time(resolved_before))
    # What a replica of yesterday claimed is free without its row too.
    yield run("DELETE FROM replicas WHERE until < ?", to_db_time(deliveries_before))
    return {"deliveries": deliveries, "alerts": alerts}


def ping(now: datetime) -> Operation[None]:
    """A write that really reaches the disk: one that changes nothing would pass on a full one."""
    yield run(
        "INSERT INTO deliveries (key, seen_at) VALUES ('ping', ?)"
        " ON CONFLICT (key) DO UPDATE SET seen_at = excluded.seen_at",
        to_db_time(now),
    )


def schema(steps: str) -> Operation[list[str]]:
    """The migrations this store has seen, as the engine's own query `steps` tells."""
    rows = yield query(steps)
    return [row["name"] for row in rows]


class HousekeepingPart(Part):
    """The methods of `Store` for housekeeping."""

    async def prune(self, deliveries_before: datetime, resolved_before: datetime) -> dict[str, int]:
        """Forget old deliveries and raw alerts; incidents and decisions stay."""
        return await self._write(prune, deliveries_before, resolved_before)

    async def ping(self, now: datetime) -> None:
        """Prove that a write reaches the disk."""
        await self._write(ping, now)

    async def schema(self) -> list[str]:
        """The migrations this store has seen, in order."""
        return await self._engine.read(schema, self._engine.schema_query)
