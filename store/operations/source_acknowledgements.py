"""Acknowledgements of people, passed on to the senders of the alerts that fire.

A paging service would call the next person while somebody works on the incident here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from store.operations import incidents, senders
from store.operations.part import Part
from store.rows import alert_from_json
from store.statements import Operation, query, run, to_db_time

MOST_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class DueAcknowledgement:
    """An alert that fires in an acknowledged incident, and that its sender should acknowledge.

    `attempts`: how often the sender was asked before. `user` acknowledged the incident.
    """

    fingerprint: str
    incident_id: int
    acknowledged_at: str
    attempts: int
    user: str
    source: str
    labels: Mapping[str, str]


def due(sources: Collection[str], now: datetime) -> Operation[list[DueAcknowledgement]]:
    """The acknowledgements of people that are due at these sources, oldest incident first.

    Only of alerts that came through the source's own endpoint: a text in Slack, which anybody can
    write, chooses nothing at a sender.
    """
    endpoints = [f"http:{source}" for source in sources]
    rows = yield query(
        "SELECT f.fingerprint, f.incident_id, i.acknowledged_at, i.acknowledged_by,"  # noqa: S608 - placeholders
        " COALESCE(d.attempts, 0) AS attempts, a.body FROM incidents i"
        " JOIN firing f ON f.incident_id = i.id JOIN alerts a ON a.id = f.last_alert"
        " LEFT JOIN source_acknowledgements d ON d.fingerprint = f.fingerprint"
        " AND d.incident_id = i.id AND d.acknowledged_at = i.acknowledged_at"
        " WHERE i.status = 'acknowledged' AND i.acknowledged_by != ''"
        f" AND f.sender IN ({senders.placeholders(endpoints)})"
        " AND COALESCE(d.done, 0) = 0 AND COALESCE(d.not_before, '') <= ?"
        " ORDER BY i.id, f.fingerprint LIMIT ?",
        *endpoints,
        to_db_time(now),
        MOST_AT_ONCE,
    )
    result = []
    for row in rows:
        alert = alert_from_json(row["body"])
        result.append(
            DueAcknowledgement(
                row["fingerprint"],
                row["incident_id"],
                row["acknowledged_at"],
                row["attempts"],
                row["acknowledged_by"],
                alert.source,
                alert.labels,
            )
        )
    return result


def record(
    item: DueAcknowledgement, note: str, retry_at: datetime | None, now: datetime
) -> Operation[None]:
    """Store the end of an attempt. Without `retry_at` it was the last one; `note` is for people."""
    yield run(
        "INSERT INTO source_acknowledgements (fingerprint, incident_id, acknowledged_at, attempts,"
        " not_before, done) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (fingerprint, incident_id, acknowledged_at) DO UPDATE SET"
        " attempts = excluded.attempts, not_before = excluded.not_before, done = excluded.done",
        item.fingerprint,
        item.incident_id,
        item.acknowledged_at,
        item.attempts + 1,
        to_db_time(retry_at) if retry_at else "",
        int(retry_at is None),
    )
    if note and retry_at is None:
        yield from incidents.note(item.incident_id, note, "", now)


class SourceAcknowledgementsPart(Part):
    """The methods of `Store` for acknowledgements at the senders of alerts."""

    async def due_acknowledgements(
        self, sources: Collection[str], now: datetime
    ) -> list[DueAcknowledgement]:
        """The acknowledgements of people that these sources should get, at most 20."""
        return await self._engine.read(due, sources, now)

    async def record_acknowledgement(
        self, item: DueAcknowledgement, now: datetime, *, note: str = "", retry_at: datetime | None
    ) -> None:
        """Store an attempt: without `retry_at` the last one, whose `note` the thread shows."""
        await self._write(record, item, note, retry_at, now)
