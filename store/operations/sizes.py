"""Measures the size of the store day by day, and computes its growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from store.operations.part import Part
from store.statements import Operation, from_db_time, query, run, to_db_time

KEPT = timedelta(days=90)
WINDOW = timedelta(days=14)
SHORTEST = timedelta(days=2)  # less is a day's rhythm, not a growth
DAY = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Growth:
    """The line through the sizes of the last days: bytes a day, over `days` days."""

    bytes_a_day: float
    days: float


def growth_of(sizes: Sequence[tuple[datetime, int]]) -> Growth | None:
    """Return the growth by least squares; None while the sizes span less than two days."""
    if len(sizes) < 2 or max(sizes)[0] - min(sizes)[0] < SHORTEST:
        return None
    first = min(sizes)[0]
    days = [(at - first).total_seconds() / DAY for at, _ in sizes]
    middle, mean = sum(days) / len(days), sum(size for _, size in sizes) / len(sizes)
    products = sum((x - middle) * (size - mean) for x, (_, size) in zip(days, sizes, strict=True))
    return Growth(products / sum((x - middle) ** 2 for x in days), max(days))


def measure(engine: str, size_query: str, now: datetime) -> Operation[int]:
    """Note today's size, and forget those of long ago."""
    size = int((yield query(size_query))[0]["bytes"])
    yield run(
        "INSERT INTO store_sizes (engine, day, at, bytes) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (engine, day) DO UPDATE SET at = excluded.at, bytes = excluded.bytes",
        engine,
        to_db_time(now)[:10],
        to_db_time(now),
        size,
    )
    yield run("DELETE FROM store_sizes WHERE day < ?", to_db_time(now - KEPT)[:10])
    return size


def growth(engine: str, now: datetime) -> Operation[Growth | None]:
    """The growth by the sizes of the last WINDOW."""
    rows = yield query(
        "SELECT at, bytes FROM store_sizes WHERE engine = ? AND day >= ?",
        engine,
        to_db_time(now - WINDOW)[:10],
    )
    return growth_of([(from_db_time(row["at"]), int(row["bytes"])) for row in rows])


class SizesPart(Part):
    """The methods of `Store` for its size."""

    async def measure_size(self, now: datetime) -> int:
        """Note the store's size of today. Returns it, in bytes, without free pages."""
        engine = self._engine
        return await self._write(measure, engine.name, engine.size_query, now)
