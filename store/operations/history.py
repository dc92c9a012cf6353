"""Reads stored alerts and incidents, for the commands that draft services.yaml and replay."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.incidents.model import Alert
from bot.incidents.subject import Scope
from store.incident_rows import scope_from
from store.operations.part import Part
from store.rows import alert_from_json
from store.statements import (
    Operation,
    Row,
    from_db_time,
    from_db_time_or_none,
    query,
    starting_with,
    to_db_time,
)

MOST_FIRING = 1000


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


def firing_from(sender: str) -> Operation[list[Alert]]:
    """The alerts of one sender that fire now, as they were sent last, at most MOST_FIRING.

    Those that a silence suppresses fire too.
    """
    begins = starting_with(f"{sender} ")
    rows = yield query(
        "SELECT a.body FROM alerts a WHERE a.id IN ("
        "SELECT last_alert FROM firing WHERE fingerprint >= ? AND fingerprint < ?"
        " UNION SELECT alert_id FROM suppressed WHERE fingerprint >= ? AND fingerprint < ?)"
        " ORDER BY a.id LIMIT ?",
        *begins,
        *begins,
        MOST_FIRING,
    )
    return [alert_from_json(row["body"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Attention:
    """The counts of mentions of people because of bad news, and of approvals asked for."""

    pages: int
    requests: int


def attention_since(since: datetime) -> Operation[Attention]:
    """Count both since then."""
    rows = yield query(
        "SELECT (SELECT COUNT(*) FROM news WHERE at >= ? AND mentions != '[]') AS pages,"
        " (SELECT COUNT(*) FROM approvals WHERE requested_at >= ?) AS requests",
        to_db_time(since),
        to_db_time(since),
    )
    return Attention(rows[0]["pages"], rows[0]["requests"])


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


@dataclass(frozen=True, slots=True)
class Correction:
    """A person split an incident from its cascade, or merged it into another incident.

    `rule` and `facts` are those of the decision that had put the incident where it was; ''
    and none if the alert is no longer stored.
    """

    kind: Literal["split", "merge"]
    incident_id: int
    root_id: int
    service: str
    root_service: str
    began_first: bool
    """True if the incident began before the root."""
    rule: str
    facts: Mapping[str, Any]


def corrections(limit: int) -> Operation[list[Correction]]:
    """The newest corrections of cascades, oldest first."""
    rows = yield query(
        "SELECT c.kind, c.incident_id, c.root_id, c.decision, i.scope_service AS service,"
        " r.scope_service AS root_service, i.happened_at < r.happened_at AS began_first"
        " FROM cascade_corrections c JOIN incidents i ON i.id = c.incident_id"
        " JOIN incidents r ON r.id = c.root_id ORDER BY c.id DESC LIMIT ?",
        limit,
    )
    return [_correction_from(row) for row in reversed(rows)]


def _correction_from(row: Row) -> Correction:
    decision = json.loads(row["decision"] or "{}")
    return Correction(
        row["kind"],
        row["incident_id"],
        row["root_id"],
        row["service"],
        row["root_service"],
        bool(row["began_first"]),
        decision.get("rule", ""),
        decision.get("facts", {}),
    )


class HistoryPart(Part):
    """The methods of `Store` for its history."""

    async def firing_alerts(
        self, before: int | None = None, limit: int = 1000
    ) -> tuple[list[Alert], int | None]:
        """A page of firing alerts, newest first; `before` the returned id pages on."""
        return await self._engine.read(firing_alerts, before, limit)

    async def attention_since(self, since: datetime) -> Attention:
        """The mentions of people because of bad news, and the approvals asked for, since then."""
        return await self._engine.read(attention_since, since)

    async def firing_from(self, sender: str) -> list[Alert]:
        """The alerts of one sender that fire now, as they were sent last, at most 1,000."""
        return await self._engine.read(firing_from, sender)

    async def received_since(
        self, since: datetime, after: int = 0, limit: int = 500
    ) -> list[StoredAlert]:
        """A page of the alerts received since then, oldest first; `after` an id pages on."""
        return await self._engine.read(received_since, since, after, limit)

    async def openings(self, limit: int) -> list[Opening]:
        """The newest incidents with their scopes, in the order in which they opened."""
        return await self._engine.read(openings, limit)

    async def corrections(self, limit: int) -> list[Correction]:
        """The newest splits and merges that people made, oldest first."""
        return await self._engine.read(corrections, limit)
