"""The keys of deliveries: each delivery counts once, however often it is redelivered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from store.operations.part import Part
from store.statements import Operation, Statement, execute, query, to_db_time

_AT_ONCE = 500  # keys in one query


def insert(key: str, now: datetime) -> Statement:
    """Remember a delivery. The statement returns 1 if the delivery is new."""
    return execute(
        "INSERT INTO deliveries (key, seen_at) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
        key,
        to_db_time(now),
    )


def insert_all(keys: Sequence[tuple[str, datetime]]) -> Statement:
    """Remember deliveries. The statement returns the keys of those that are new."""
    return query(
        "INSERT INTO deliveries (key, seen_at) VALUES "  # noqa: S608 - placeholders
        f"{', '.join(['(?, ?)'] * len(keys))} ON CONFLICT (key) DO NOTHING RETURNING key",
        *(value for key, now in keys for value in (key, to_db_time(now))),
    )


def known(keys: Sequence[str]) -> Operation[set[str]]:
    """Return the keys of these that were inserted before."""
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

    async def known_deliveries(self, keys: Sequence[str]) -> set[str]:
        """Return the keys of these deliveries that were stored before."""
        return await self._engine.read(known, keys)
