"""How far Slack's own history of a channel was read back."""

from __future__ import annotations

from datetime import datetime

from store.statements import Operation, moment_or_none, query, run


def get(channel: str) -> Operation[str]:
    """The ts up to which it was read; '' for a channel that was never read."""
    rows = yield query("SELECT ts FROM read_marks WHERE channel = ?", channel)
    return str(rows[0]["ts"]) if rows else ""


def put(channel: str, ts: str) -> Operation[None]:
    """It was read up to `ts`."""
    yield run(
        "INSERT INTO read_marks (channel, ts) VALUES (?, ?)"
        " ON CONFLICT (channel) DO UPDATE SET ts = excluded.ts",
        channel,
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
