"""Silences as people read them: what each suppressed, and what opened at its end."""

from __future__ import annotations

from datetime import datetime

from bot.incidents.correlation import Reason
from bot.incidents.model import Severity
from bot.incidents.silences import SilenceReport, SuppressedAlert
from store.operations.part import Part
from store.operations.silences import COLUMNS, silence_from
from store.rows import alert_from_json
from store.statements import Operation, from_db_time, query, to_db_time

NAMED = 10  # incidents, and alerts, that a digest names
LISTED = 50  # silences in one list

_SUPPRESSED = "SELECT COUNT(*) FROM alerts WHERE silence_id = s.id AND incident_id IS NULL"
_RANK = " ".join(f"WHEN '{severity}' THEN {severity.rank}" for severity in Severity)


def report(silence_id: int) -> Operation[SilenceReport | None]:
    """A silence with the number of alerts that it suppressed, and what opened at its end.

    1. Read the silence. 2. Read the incidents that opened. 3. Read the alerts that it kept back,
    each once, the most severe first.
    """
    rows = yield query(
        f"SELECT {COLUMNS}, ({_SUPPRESSED}) AS suppressed FROM silences s WHERE s.id = ?",  # noqa: S608 - constants
        silence_id,
    )
    if not rows:
        return None
    opened = yield query(
        "SELECT DISTINCT i.id, i.severity, i.title FROM alerts a JOIN incidents i"
        " ON i.id = a.incident_id WHERE a.silence_id = ? ORDER BY i.id",
        silence_id,
    )
    kept = yield query(
        "SELECT a.severity, a.body, k.count FROM (SELECT MAX(id) AS last, COUNT(*) AS count"  # noqa: S608 - constants
        " FROM alerts WHERE silence_id = ? AND incident_id IS NULL"
        " GROUP BY sender, source, fingerprint) AS k JOIN alerts a ON a.id = k.last"
        f" ORDER BY CASE a.severity {_RANK} ELSE {len(Severity)} END, a.id LIMIT {NAMED}",
        silence_id,
    )
    return SilenceReport(
        silence=silence_from(rows[0]),
        suppressed=int(rows[0]["suppressed"]),
        opened=tuple(
            (row["id"], Severity(row["severity"]), row["title"]) for row in opened[:NAMED]
        ),
        opened_count=len(opened),
        kept_back=tuple(
            (Severity(row["severity"]), alert_from_json(row["body"]).title, int(row["count"]))
            for row in kept
        ),
    )


def listed(now: datetime) -> Operation[list[SilenceReport]]:
    """The silences in force, the first to end first."""
    rows = yield query(
        f"SELECT {COLUMNS}, ({_SUPPRESSED}) AS suppressed FROM silences s"  # noqa: S608 - constants
        f" WHERE s.ended_at IS NULL AND s.ends_at > ? ORDER BY s.ends_at, s.id LIMIT {LISTED}",
        to_db_time(now),
    )
    return [
        SilenceReport(silence=silence_from(row), suppressed=int(row["suppressed"])) for row in rows
    ]


def suppressed_alerts(limit: int) -> Operation[list[SuppressedAlert]]:
    """The newest alerts that a silence suppressed."""
    rows = yield query(
        f"SELECT a.tracking_id, a.received_at, a.body, {COLUMNS} FROM alerts a"  # noqa: S608 - constants
        " JOIN silences s ON s.id = a.silence_id WHERE a.silence_id IS NOT NULL AND a.reason = ?"
        " ORDER BY a.id DESC LIMIT ?",
        Reason.SUPPRESSED,
        limit,
    )
    return [
        SuppressedAlert(
            alert=alert_from_json(row["body"]),
            tracking_id=row["tracking_id"],
            received_at=from_db_time(row["received_at"]),
            silence=silence_from(row),
        )
        for row in rows
    ]


class SilenceReportsPart(Part):
    """The methods of `Store` that read silences."""

    async def silence_report(self, silence_id: int) -> SilenceReport | None:
        """A silence and its effect; None if there is none."""
        return await self._engine.read(report, silence_id)

    async def silences(self, now: datetime) -> list[SilenceReport]:
        """The silences in force, the first to end first."""
        return await self._engine.read(listed, now)

    async def suppressed_alerts(self, limit: int = 10) -> list[SuppressedAlert]:
        """The newest alerts that a silence suppressed, newest first."""
        return await self._engine.read(suppressed_alerts, limit)
