"""What keeps the store small and known to be well."""

from __future__ import annotations

from datetime import datetime

from store.statements import Operation, execute, query, stamp


def prune(deliveries_before: datetime, resolved_before: datetime) -> Operation[dict[str, int]]:
    """Forget old deliveries, and the raw alerts of incidents resolved long ago.

    Incidents, their timeline, votes and executions stay: they are the record.
    """
    deliveries = yield execute("DELETE FROM deliveries WHERE seen_at < ?", stamp(deliveries_before))
    alerts = yield execute(
        "DELETE FROM alerts WHERE received_at < ? AND (incident_id IS NULL OR incident_id IN"
        " (SELECT id FROM incidents WHERE status = 'resolved' AND resolved_at < ?))",
        stamp(resolved_before),
        stamp(resolved_before),
    )
    return {"deliveries": deliveries, "alerts": alerts}


def ping() -> Operation[None]:
    """A write that proves the store takes writes."""
    yield execute("UPDATE deliveries SET seen_at = seen_at WHERE key = ''")


def schema() -> Operation[list[str]]:
    """The migrations this store has seen."""
    rows = yield query(
        "SELECT name FROM _sqlite_migrations WHERE migration_set = 'sopbot' ORDER BY id"
    )
    return [row["name"] for row in rows]
