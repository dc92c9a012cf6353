"""Reads the own history of an incident from the store, and keeps the evidence about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.enrichment.model import Evidence
from bot.incidents.model import Alert, Incident
from store.incident_rows import incident_from
from store.operations import incidents
from store.operations.part import Part
from store.rows import dump
from store.statements import Operation, query, run, to_db_time, together

MOST_SIMILAR = 1_000


@dataclass(frozen=True, slots=True)
class History:
    """The past of an incident.

    `similar_hour` and `similar_day` count the other incidents of its env, service and category
    that were opened in the hour and the day before now. `last` is the newest resolved incident of
    its SOP; `fix` the title of the action that fixed it, '' if none did.
    """

    similar_hour: int
    similar_day: int
    last: Incident | None
    fix: str


def history(incident_id: int, now: datetime) -> Operation[History]:
    """Read it, or NotFound."""
    incident = yield from incidents.get(incident_id)
    counts, last = yield from together(
        query(
            "SELECT COUNT(*) AS n, COUNT(CASE WHEN s.created_at >= ? THEN 1 END) AS hour"
            " FROM incidents s JOIN incidents i ON i.id = ? WHERE s.created_at >= ?"
            " AND s.id != i.id AND s.scope_env = i.scope_env"
            " AND s.scope_service = i.scope_service AND s.scope_category = i.scope_category",
            to_db_time(now - timedelta(hours=1)),
            incident_id,
            to_db_time(now - timedelta(days=1)),
        ),
        query(
            "SELECT * FROM incidents WHERE sop_id = ? AND id < ? AND status = 'resolved'"
            " ORDER BY id DESC LIMIT 1",
            incident.sop_id,
            incident_id,
        ),
    )
    previous = incident_from(last[0]) if last else None
    fix = ""
    if previous is not None and previous.fixed_by:
        rows = yield query(
            "SELECT a.proposal FROM executions e JOIN approvals a ON a.id = e.approval_id"
            " WHERE e.id = ?",
            previous.fixed_by,
        )
        fix = str(json.loads(rows[0]["proposal"])["title"]) if rows else ""
    return History(int(counts[0]["hour"]), int(counts[0]["n"]), previous, fix)


def count_similar(alert: Alert, now: datetime) -> Operation[tuple[int, int]]:
    """Count the firing alerts with its fingerprint that came in the hour and the day before now."""
    rows = yield query(
        "SELECT COUNT(*) AS n, COUNT(CASE WHEN received_at >= ? THEN 1 END) AS hour FROM ("  # noqa: S608 - constant
        "SELECT received_at FROM alerts WHERE fingerprint = ? AND source = ? AND status = 'firing'"
        f" ORDER BY id DESC LIMIT {MOST_SIMILAR}) AS newest WHERE received_at >= ?",
        to_db_time(now - timedelta(hours=1)),
        alert.fingerprint,
        alert.source,
        to_db_time(now - timedelta(days=1)),
    )
    return int(rows[0]["hour"]), int(rows[0]["n"])


def store(incident: Incident, evidence: Evidence, now: datetime, *, shown: bool) -> Operation[None]:
    """1. Store the evidence. 2. With `shown`, enqueue the reply "What is known"."""
    yield run(
        "INSERT INTO evidence (incident_id, body, at) VALUES (?, ?, ?)"
        " ON CONFLICT (incident_id) DO UPDATE SET body = excluded.body, at = excluded.at",
        incident.id,
        dump(evidence.as_json()),
        to_db_time(now),
    )
    if shown:
        yield from incidents.reply(incident, "evidence", incident.id, now)


def get(incident_id: int) -> Operation[Evidence | None]:
    """The stored evidence."""
    rows = yield query("SELECT body FROM evidence WHERE incident_id = ?", incident_id)
    return Evidence.from_json(json.loads(rows[0]["body"])) if rows else None


class EvidencePart(Part):
    """The methods of `Store` for what is known about an incident."""

    async def history(self, incident_id: int, now: datetime) -> History:
        """Return the past of an incident, or raise NotFound."""
        return await self._engine.read(history, incident_id, now)

    async def count_similar(self, alert: Alert, now: datetime) -> tuple[int, int]:
        """Return how many alerts like this one fired in the hour and the day before now.

        At most the newest thousand are counted.
        """
        return await self._engine.read(count_similar, alert, now)

    async def store_evidence(
        self, incident: Incident, evidence: Evidence, now: datetime, *, shown: bool
    ) -> None:
        """Store the evidence of an incident in place of the former; `shown`: in its thread too."""
        await self._write(store, incident, evidence, now, shown=shown)

    async def evidence(self, incident_id: int) -> Evidence | None:
        """Return the stored evidence of an incident; None without one."""
        return await self._engine.read(get, incident_id)
