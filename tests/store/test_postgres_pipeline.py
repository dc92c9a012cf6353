"""What PostgreSQL keeps in mind between two operations on one connection, and what it must not."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import StoreError
from store import Store
from store.engines.postgres import PostgresEngine
from store.statements import Operation, query, run
from tests.helpers.builders import CHANNEL, NOW, alert, named

ASKED = "SELECT key FROM deliveries WHERE key = ?"


def asked(key: str) -> Operation[int]:
    rows = yield query(ASKED, key)
    return len(rows)


def refused(key: str) -> Operation[None]:
    """The server refuses the first, so it never sees the second, which travels with it."""
    yield run("INSERT INTO deliveries (key, seen_at) VALUES (?, NULL)", key)
    yield query(ASKED, key)


async def test_what_a_refused_operation_had_still_to_ask_can_be_asked_later(database: str) -> None:
    engine = PostgresEngine(database, connections=1)
    try:
        await engine.start()
        for number in range(12):  # after some times a statement is sent prepared
            with pytest.raises(StoreError, match="refused one change"):
                await engine.write(refused, f"k{number}")
            assert await engine.write(asked, f"k{number}") == 0
    finally:
        await engine.close()


async def test_of_many_large_deliveries_at_once_some_land_and_none_by_half(database: str) -> None:
    """A sender tells again what was not taken; it must not be refused for ever."""
    engine = PostgresEngine(database)
    store = Store(engine, owner="bot-a")

    async def deliver(number: int) -> bool:
        alerts = [
            named(alert(service=f"s{number}", fingerprint=f"fp-{number}-{part}"))
            for part in range(200)
        ]
        try:
            await store.accept(f"d{number}", alerts, channel=CHANNEL, now=NOW)
        except StoreError:
            return False
        return True

    try:
        await engine.start()
        landed = await asyncio.gather(*map(deliver, range(8)))
        assert any(landed)
        found = await store.open_incidents()
        assert sorted(one.alert_count for one in found) == [200] * sum(landed)
    finally:
        await engine.close()
