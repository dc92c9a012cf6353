"""Messages published on NATS. A row is a message that the server acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.incident_rows import incident_from
from store.operations.advice import ATTEMPTS
from store.operations.part import Part
from store.rows import Publication, advice_from
from store.statements import Operation, query, run, to_db_time

INCIDENT_CREATED = "incidents.created"
ADVICE_REQUESTED = "enrichment.request"
ADVICE_GIVEN = "enrichment.completed"
SUBJECTS = (INCIDENT_CREATED, ADVICE_REQUESTED, ADVICE_GIVEN)


@dataclass(frozen=True, slots=True)
class _Source:
    """The table whose rows a subject publishes, and its time.

    `due` is true of a row that can be published, `open` of one that is or may become due.
    """

    table: str
    at: str
    due: str = "1 = 1"
    open: str = "1 = 1"


_SOURCES = {
    INCIDENT_CREATED: _Source("incidents", "opened_at"),
    ADVICE_REQUESTED: _Source("advice", "at"),
    ADVICE_GIVEN: _Source(
        "advice", "at", "s.body IS NOT NULL", f"(s.body IS NOT NULL OR s.attempts < {ATTEMPTS})"
    ),
}


def start() -> Operation[None]:
    """Publish from now on; a subject that was started before stays unchanged."""
    for subject, source in _SOURCES.items():
        yield run(
            "INSERT INTO publishing (subject, after_id)"  # noqa: S608 - constants
            f" SELECT ?, COALESCE(MAX(id), 0) FROM {source.table} WHERE 1 = 1"
            " ON CONFLICT (subject) DO NOTHING",
            subject,
        )


def unpublished(subject: str, since: datetime, limit: int) -> Operation[list[Publication]]:
    """Return the oldest rows that are due and were not published, with their incidents."""
    source = _SOURCES[subject]
    rows = yield query(
        f"SELECT s.* FROM {source.table} s"  # noqa: S608 - constants
        " WHERE s.id > (SELECT after_id FROM publishing WHERE subject = ?)"
        f" AND s.{source.at} >= ? AND {source.due} AND NOT EXISTS"
        " (SELECT 1 FROM published p WHERE p.subject = ? AND p.source_id = s.id)"
        " ORDER BY s.id LIMIT ?",
        subject,
        to_db_time(since),
        subject,
        limit,
    )
    if not rows:
        return []
    is_advice = source.table == "advice"
    ids = [row["incident_id" if is_advice else "id"] for row in rows]
    placeholders = ", ".join("?" * len(set(ids)))
    incident_rows = yield query(
        "SELECT i.*, (SELECT a.name FROM alerts a WHERE a.incident_id = i.id"  # noqa: S608 - constants
        f" ORDER BY a.id LIMIT 1) AS alert_name FROM incidents i WHERE i.id IN ({placeholders})",
        *sorted(set(ids)),
    )
    incidents = {row["id"]: row for row in incident_rows}
    return [
        Publication(
            subject,
            row["id"],
            incident_from(incidents[incident_id]),
            incidents[incident_id]["alert_name"] or "",
            advice_from(row) if is_advice else None,
        )
        for row, incident_id in zip(rows, ids, strict=True)
    ]


def record(subject: str, source_ids: Sequence[int], now: datetime) -> Operation[None]:
    """Record acknowledged messages; a second time changes nothing, also after they were
    forgotten."""
    for source_id in source_ids:
        yield run(
            "INSERT INTO published (subject, source_id, at) SELECT g.subject, ?, ?"
            " FROM publishing g WHERE g.subject = ? AND g.after_id < ?"
            " ON CONFLICT (subject, source_id) DO NOTHING",
            source_id,
            to_db_time(now),
            subject,
            source_id,
        )


def forget(before: datetime, since: datetime) -> Operation[None]:
    """Move each subject's `after_id` up, and delete the rows that it replaces.

    Up to the last message that was published `before` and has no open row with a lower id. A row
    older than `since` is not published any more, so it holds nothing back.
    """
    for subject, source in _SOURCES.items():
        yield run(
            "UPDATE publishing SET after_id = COALESCE((SELECT MAX(p.source_id) FROM published p"  # noqa: S608 - constants
            " WHERE p.subject = publishing.subject AND p.at < ? AND NOT EXISTS"
            f" (SELECT 1 FROM {source.table} s WHERE s.id > publishing.after_id"
            f" AND s.id < p.source_id AND s.{source.at} >= ? AND {source.open} AND NOT EXISTS"
            " (SELECT 1 FROM published q WHERE q.subject = publishing.subject"
            " AND q.source_id = s.id))), after_id) WHERE subject = ?",
            to_db_time(before),
            to_db_time(since),
            subject,
        )
    yield run(
        "DELETE FROM published WHERE source_id <="
        " (SELECT after_id FROM publishing g WHERE g.subject = published.subject)"
    )


class PublicationsPart(Part):
    """The methods of `Store` for what is published on NATS."""

    async def start_publishing(self) -> None:
        """Publish what is stored from now on; later calls change nothing."""
        await self._write(start)

    async def unpublished(self, subject: str, since: datetime, limit: int) -> list[Publication]:
        """The oldest messages of a subject that are due, not older than `since`."""
        return await self._engine.read(unpublished, subject, since, limit)

    async def record_published(
        self, subject: str, source_ids: Sequence[int], now: datetime
    ) -> None:
        """Record that the server acknowledged these messages: they are never published again."""
        await self._write(record, subject, source_ids, now)

    async def forget_published(self, before: datetime, since: datetime) -> None:
        """Delete rows of messages published before then; one id says up to which all were
        published."""
        await self._write(forget, before, since)
