"""What outsiders handed us: each thing counts once, however often it is handed over."""

from __future__ import annotations

from datetime import datetime

from store.statements import Operation, execute, stamp


def first_time(key: str, now: datetime) -> Operation[bool]:
    """Whether this delivery was never seen before; it has been from now on."""
    count = yield execute(
        "INSERT INTO deliveries (key, seen_at) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
        key,
        stamp(now),
    )
    return bool(count)
