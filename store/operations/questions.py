"""Questions by HTTP without an alert: their subject, and the source of their answer."""

from __future__ import annotations

from datetime import datetime

from store.operations.part import Part
from store.rows import QuestionRecord
from store.statements import Operation, from_db_time, from_db_time_or_none, query, run, to_db_time


def ask(
    tracking_id: str, incident_key: str, sop_id: str, *, named: bool, now: datetime
) -> Operation[None]:
    """Store a question by HTTP.

    1. Store the question.
    2. With `named` the caller chose the SOP ID: it stays the key's own. A key that has a SOP ID
       already keeps it: a caller cannot take over another's history.
    """
    yield run(
        "INSERT INTO http_questions (tracking_id, incident_key, sop_id, asked_at)"
        " VALUES (?, ?, ?, ?)",
        tracking_id,
        incident_key,
        sop_id,
        to_db_time(now),
    )
    if named:
        yield run(
            "INSERT INTO sop_map (incident_key, sop_id, first_seen_at) VALUES (?, ?, ?)"
            " ON CONFLICT (incident_key) DO NOTHING",
            incident_key,
            sop_id,
            to_db_time(now),
        )


def answered(tracking_id: str, source: str, now: datetime) -> Operation[None]:
    """Store the source of the answer."""
    yield run(
        "UPDATE http_questions SET source = ?, answered_at = ? WHERE tracking_id = ?",
        source,
        to_db_time(now),
        tracking_id,
    )


def get(tracking_id: str) -> Operation[QuestionRecord | None]:
    """The question with this tracking id."""
    rows = yield query("SELECT * FROM http_questions WHERE tracking_id = ?", tracking_id)
    if not rows:
        return None
    row = rows[0]
    return QuestionRecord(
        row["tracking_id"],
        row["incident_key"],
        row["sop_id"],
        row["source"],
        from_db_time(row["asked_at"]),
        from_db_time_or_none(row["answered_at"]),
    )


class QuestionsPart(Part):
    """The methods of `Store` for questions by HTTP."""

    async def note_question(
        self, tracking_id: str, incident_key: str, sop_id: str, *, named: bool, now: datetime
    ) -> None:
        """A question by HTTP without an alert; with `named` the key keeps the caller's SOP ID."""
        await self._write(ask, tracking_id, incident_key, sop_id, named=named, now=now)

    async def note_answer(self, tracking_id: str, source: str, now: datetime) -> None:
        """Record the source that answered that question."""
        await self._write(answered, tracking_id, source, now)

    async def question(self, tracking_id: str) -> QuestionRecord | None:
        """The question with this tracking id."""
        return await self._engine.read(get, tracking_id)
