"""State that PostgreSQL may keep between two operations of one connection, and may not."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import StoreError
from store import Store
from store.engines.postgres import PostgresEngine
from store.engines.postgres_session import Answer, Script, Session
from store.statements import Operation, execute, last, lock, query, run, together
from tests.helpers.builders import CHANNEL, NOW, alert, identify

ASKED = "SELECT key FROM deliveries WHERE key = ?"


def count_of(key: str) -> Operation[int]:
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
            assert await engine.write(count_of, f"k{number}") == 0
    finally:
        await engine.close()


async def test_of_many_large_deliveries_at_once_some_land_and_none_by_half(database: str) -> None:
    """A sender tells again what was not taken; it must not be refused for ever."""
    engine = PostgresEngine(database)
    store = Store(engine, owner="bot-a")

    async def deliver(number: int) -> bool:
        alerts = [
            identify(alert(service=f"s{number}", fingerprint=f"fp-{number}-{part}"))
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
        incidents = await store.open_incidents()
        assert sorted(item.alert_count for item in incidents) == [200] * sum(landed)
    finally:
        await engine.close()


async def test_of_statements_that_go_in_one_script_none_stands_where_the_last_one_fails(
    database: str,
) -> None:
    def refused_at_its_end() -> Operation[None]:
        yield run("INSERT INTO deliveries (key, seen_at) VALUES (?, '2026')", "half")
        yield last(execute("INSERT INTO deliveries (key, seen_at) VALUES (?, NULL)", "bad"))

    engine = PostgresEngine(database)
    try:
        await engine.start()
        with pytest.raises(StoreError, match="refused one change"):
            await engine.write(refused_at_its_end)
        assert await engine.read(count_of, "half") == 0
    finally:
        await engine.close()


async def test_statements_that_travel_together_are_answered_in_their_order(database: str) -> None:
    def ask() -> Operation[list[object]]:
        answers = yield from together(
            execute("INSERT INTO deliveries (key, seen_at) VALUES (?, '2026')", "together"),
            lock("together"),
            query(ASKED, "together"),
            run("DELETE FROM deliveries WHERE key = ?", "together"),
        )
        rows = yield query(ASKED, "together")
        return [*answers, rows]

    engine = PostgresEngine(database)
    try:
        await engine.start()
        inserted, locked, rows, deleted, left = await engine.write(ask)
    finally:
        await engine.close()
    assert (inserted, locked, deleted, left) == (1, None, None, [])
    assert [row["key"] for row in rows] == ["together"]


async def test_an_alert_that_joins_takes_two_round_trips_and_a_new_incident_four(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips = 0
    run_script = Session.run

    async def counted(session: Session, script: Script, silence: float) -> list[Answer]:
        nonlocal trips
        trips += "pg_notify" not in script[0][0]
        return await run_script(session, script, silence)

    engine = PostgresEngine(database)
    store = Store(engine, owner="bot-a")
    monkeypatch.setattr(Session, "run", counted)
    taken = []
    try:
        await engine.start()
        for part in ("a", "b"):
            trips = 0
            result = identify(alert(service="trips", fingerprint=part))
            await store.accept(f"trips-{part}", [result], channel=CHANNEL, now=NOW)
            taken.append(trips)
    finally:
        await engine.close()
    assert taken == [4, 2], "each is a wait while the alert's scope is locked"
