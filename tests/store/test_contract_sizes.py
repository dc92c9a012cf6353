"""The size of the store is noted once a day, and a line through the sizes is its growth."""

from __future__ import annotations

from datetime import timedelta

import pytest

from store import Store
from store.operations.sizes import Growth, growth, growth_of
from store.statements import Operation, query, run
from tests.helpers.builders import NOW

DAY = timedelta(days=1)


def test_the_growth_is_the_line_through_the_sizes() -> None:
    assert growth_of([(NOW + n * DAY, 1_000 + 70 * n) for n in range(5)]) == Growth(70.0, 4.0)
    assert growth_of([(NOW, 1_000), (NOW + DAY, 9_000)]) is None, "a day is no growth"
    assert growth_of([]) is None


async def test_a_day_has_one_size_and_old_days_are_forgotten(store: Store) -> None:
    async def stored() -> list[str]:
        def read() -> Operation[list[str]]:
            return [row["day"] for row in (yield query("SELECT day FROM store_sizes ORDER BY day"))]

        return await store._engine.read(read)

    size = await store.measure_size(NOW)
    assert size > 100_000, "the schema alone is larger"
    await store.measure_size(NOW + timedelta(hours=1))
    assert await stored() == [f"{NOW:%Y-%m-%d}"]
    for days in (1, 2, 3):
        await store.measure_size(NOW + days * DAY)

    def grow() -> Operation[None]:
        yield run("UPDATE store_sizes SET bytes = bytes + 500 WHERE day > ?", f"{NOW:%Y-%m-%d}")

    before = await store._engine.read(growth, store._engine.name, NOW + 3 * DAY)
    await store._write(grow)
    after = await store._engine.read(growth, store._engine.name, NOW + 3 * DAY)
    assert before
    assert after
    assert after.bytes_a_day > before.bytes_a_day
    assert after.days == pytest.approx(3, abs=0.1)
    assert await store._engine.read(growth, "another engine", NOW + 3 * DAY) is None
    await store.measure_size(NOW + 92 * DAY)
    assert len(await stored()) == 3, "one day is older than is kept"
