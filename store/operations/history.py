"""Reads stored alerts and incidents, for the commands that draft services.yaml and replay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.incidents.model import Alert
from bot.incidents.subject import Scope
from store.incident_rows import scope_from
from store.operations.part import Part
from store.rows import alert_from_json
from store.statements import (
    Operation,
    from_db_time,
    from_db_time_or_none,
    query,
    to_db_time,
)


@dataclass(frozen=True, slots=True)
class Opening:
    """The scope of an incident, and when it began."""

    scope: Scope
    at: datetime


def firing_alerts(before: int | None, limit: int) -> Operation[tuple[list[Alert], int | None]]:
    """A page of firing alerts, newest first, and the id that the next page begins before."""
    rows = yield query(
        "SELECT id, body FROM alerts WHERE status = 'firing' AND id < ? ORDER BY id DESC LIMIT ?",
        before if before is not None else 2**62,
        limit,
    )
    alerts = [alert_from_json(row["body"]) for row in rows]
    return alerts, rows[-1]["id"] if len(rows) == limit else None


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as it was received, and the root of the incident that it belongs to.

    `sent_at` is the sender's time, None if unknown. `root_id` is None if it belongs to none.
    """

    id: int
    alert: Alert
    sender: str
    received_at: datetime
    sent_at: datetime | None
    root_id: int | None


def received_since(since: datetime, after: int, limit: int) -> Operation[list[StoredAlert]]:
    """A page of the alerts received since then, in the order in which they were stored."""
    rows = yield query(
        "SELECT a.id, a.body, a.sender, a.received_at, a.told_at,"
        " COALESCE(i.parent_id, a.incident_id) AS root_id FROM alerts a"
        " LEFT JOIN incidents i ON i.id = a.incident_id"
        " WHERE a.id > ? AND a.received_at >= ? ORDER BY a.id LIMIT ?",
        after,
        to_db_time(since),
        limit,
    )
    return [
        StoredAlert(
            row["id"],
            alert_from_json(row["body"]),
            row["sender"],
            from_db_time(row["received_at"]),
            from_db_time_or_none(row["told_at"] or None),
            row["root_id"],
        )
        for row in rows
    ]


def openings(limit: int) -> Operation[list[Opening]]:
    """The newest incidents, oldest first."""
    rows = yield query(
        "SELECT scope_env, scope_region, scope_service, scope_category, scope_place, opened_at"
        " FROM incidents ORDER BY id DESC LIMIT ?",
        limit,
    )
    return [Opening(scope_from(row), from_db_time(row["opened_at"])) for row in reversed(rows)]


class HistoryPart(Part):
    """The methods of `Store` for its history."""

    async def firing_alerts(
        self, before: int | None = None, limit: int = 1000
    ) -> tuple[list[Alert], int | None]:
        """A page of firing alerts, newest first; `before` the returned id pages on."""
        return await self._engine.read(firing_alerts, before, limit)

    async def received_since(
        self, since: datetime, after: int = 0, limit: int = 500
    ) -> list[StoredAlert]:
        """A page of the alerts received since then, oldest first; `after` an id pages on."""
        return await self._engine.read(received_since, since, after, limit)

    async def openings(self, limit: int) -> list[Opening]:
        """The newest incidents with their scopes, in the order in which they opened."""
        return await self._engine.read(openings, limit)
