"""What outsiders handed us: each thing counts once, however often it is handed over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from store.operations.part import Part
from store.statements import Operation, Statement, execute, query, to_db_time

_AT_ONCE = 500  # keys in one question


def first_time(key: str, now: datetime) -> Operation[bool]:
    """Return whether this delivery was never seen before; it has been from now on."""
    count = yield insert(key, now)
    return bool(count)


def insert(key: str, now: datetime) -> Statement:
    """Sends back 1 for a delivery that was never seen before, which it has been from now on."""
    return execute(
        "INSERT INTO deliveries (key, seen_at) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
        key,
        to_db_time(now),
    )


def known(keys: Sequence[str]) -> Operation[set[str]]:
    """Return which of these were seen before."""
    texts: set[str] = set()
    for start in range(0, len(keys), _AT_ONCE):
        part = keys[start : start + _AT_ONCE]
        rows = yield query(
            f"SELECT key FROM deliveries WHERE key IN ({', '.join('?' * len(part))})",  # noqa: S608 - placeholders
            *part,
        )
        texts.update(row["key"] for row in rows)
    return texts


class DeliveriesPart(Part):
    """The methods of `Store` for the idempotency keys of deliveries."""

    async def first_time(self, key: str, now: datetime) -> bool:
        """True exactly once for each key, across processes and restarts."""
        return await self._write(first_time, key, now)

    async def known_deliveries(self, keys: Sequence[str]) -> set[str]:
        """Return which of these deliveries were taken in before."""
        return await self._engine.read(known, keys)
