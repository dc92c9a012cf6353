"""The cursors of channels: how far the history in Slack has been read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from store.operations.part import Part
from store.statements import Operation, from_db_time_or_none, query, run


@dataclass(frozen=True, slots=True)
class Cursor:
    """The cursor of a channel: how far its history was read, as Slack's ts.

    What was posted before `began` is not ours. Up to `ts` all messages were read, up to `edits_ts`
    what was edited too, and what was answered in threads.
    """

    began: str
    ts: str
    edits_ts: str


def get(channel: str) -> Operation[Cursor | None]:
    """Return how far it was read; None for one that never was."""
    rows = yield query("SELECT * FROM read_marks WHERE channel = ?", channel)
    return Cursor(rows[0]["began"], rows[0]["ts"], rows[0]["edits_ts"]) if rows else None


def put(channel: str, ts: str, edits_too: bool) -> Operation[None]:
    """It was read up to `ts`; the first time, that is from where on it is read."""
    yield run(
        "INSERT INTO read_marks (channel, began, ts, edits_ts) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (channel) DO UPDATE SET ts = excluded.ts,"
        " edits_ts = CASE ? WHEN 1 THEN excluded.edits_ts ELSE read_marks.edits_ts END",
        channel,
        ts,
        ts,
        ts,
        int(edits_too),
    )


def open_since(channel: str) -> Operation[datetime | None]:
    """Return when the oldest incident opened that is still open there; None when none is."""
    rows = yield query(
        "SELECT MIN(opened_at) AS at FROM incidents"
        " WHERE channel = ? AND status IN ('open', 'acknowledged')",
        channel,
    )
    return from_db_time_or_none(rows[0]["at"])


class CursorsPart(Part):
    """The methods of `Store` for the backfill's cursors."""

    async def cursor(self, channel: str) -> Cursor | None:
        """Return how far the channel's history in Slack was read; None if it never was."""
        return await self._engine.read(get, channel)

    async def advance_cursor(self, channel: str, ts: str, *, edits_too: bool) -> None:
        """The channel's history was read up to `ts`; the first time, it is from there on.

        `edits_too`: with what was edited and answered in threads until then.
        """
        await self._write(put, channel, ts, edits_too)

    async def open_since(self, channel: str) -> datetime | None:
        """Return when the oldest incident opened that is still open in the channel."""
        return await self._engine.read(open_since, channel)
