"""The keys of questions: each question is answered once, however often Slack redelivers it."""

from __future__ import annotations

from datetime import datetime

from store.statements import Operation, execute, to_db_time


def first_time(key: str, now: datetime) -> Operation[bool]:
    """True exactly once for each key, across processes and restarts."""
    count = yield execute(
        "INSERT INTO idempotency_keys (key, seen_at) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
        key,
        to_db_time(now),
    )
    return bool(count)
