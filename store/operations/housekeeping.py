"""Housekeeping: proves that writes reach the disk, and names the schema."""

from __future__ import annotations

from datetime import datetime

from store.operations.part import Part
from store.statements import Operation, query, run, to_db_time


def ping(now: datetime) -> Operation[None]:
    """A write that really reaches the disk: one that changes nothing would pass on a full one."""
    yield run(
        "INSERT INTO deliveries (key, seen_at) VALUES ('ping', ?)"
        " ON CONFLICT (key) DO UPDATE SET seen_at = excluded.seen_at",
        to_db_time(now),
    )


def schema(steps: str) -> Operation[list[str]]:
    """The migrations this store has seen, as the engine's own query `steps` tells."""
    rows = yield query(steps)
    return [row["name"] for row in rows]


class HousekeepingPart(Part):
    """The methods of `Store` for housekeeping."""

    async def ping(self, now: datetime) -> None:
        """Prove that a write reaches the disk."""
        await self._write(ping, now)

    async def schema(self) -> list[str]:
        """The migrations this store has seen, in order."""
        return await self._engine.read(schema, self._engine.schema_query)
