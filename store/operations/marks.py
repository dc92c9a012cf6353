"""How far Slack's own history of a channel was read back."""

from __future__ import annotations

from datetime import datetime

from store.statements import Operation, moment_or_none, query, run


def get(channel: str) -> Operation[tuple[str, str] | None]:
    """(the ts from which on, the ts up to which) it was read; None for one that never was."""
    rows = yield query("SELECT began, ts FROM read_marks WHERE channel = ?", channel)
    return (rows[0]["began"], rows[0]["ts"]) if rows else None


def put(channel: str, ts: str) -> Operation[None]:
    """It was read up to `ts`; the first time, that is from where on it is read."""
    yield run(
        "INSERT INTO read_marks (channel, began, ts) VALUES (?, ?, ?)"
        " ON CONFLICT (channel) DO UPDATE SET ts = excluded.ts",
        channel,
        ts,
        ts,
    )


def open_since(channel: str) -> Operation[datetime | None]:
    """When the oldest incident opened that is still open there; None when none is."""
    rows = yield query(
        "SELECT MIN(opened_at) AS at FROM incidents"
        " WHERE channel = ? AND status IN ('open', 'acknowledged')",
        channel,
    )
    return moment_or_none(rows[0]["at"])
