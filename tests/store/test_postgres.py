"""PostgreSQL under faults: killed backends, a restart, a stall, a lost answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import psycopg
import pytest

from bot.errors import StoreError
from bot.incidents.correlation import IdentifiedAlert
from store import Store
from store.engines.postgres import CONNECTIONS
from store.engines.postgres_connections import CHANNEL as NOTIFY_CHANNEL
from store.engines.postgres_connections import SPACING
from store.statements import Operation, execute, lock, query
from store.topics import Topic
from tests.helpers.builders import (
    ANA,
    CHANNEL,
    NOW,
    alert,
    identify,
    open_incident,
)
from tests.helpers.postgres import PostgresServer, postgres_server
from tests.helpers.postgres_faults import SOON, answers, impatient, terminate, two_stores
from tests.helpers.stores import PostgresStorage
from tests.helpers.waiting import until

TOPICS = (Topic.OUTBOX, Topic.ADVICE, Topic.ADVICE_GIVEN, Topic.DISPATCH)


@pytest.fixture
async def two(database: str) -> AsyncIterator[tuple[Store, Store]]:
    async with two_stores(database) as stores:
        yield stores


@pytest.fixture(scope="module")
def own_server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A server that these tests may stop; what it said is written stays written."""
    with postgres_server({"synchronous_commit": "on"}) as server:
        yield server


async def rings(bell: asyncio.Event, what: str) -> None:
    try:
        await asyncio.wait_for(bell.wait(), SOON)
    except TimeoutError:
        pytest.fail(f"never {what}")


# Wake-ups


async def test_what_one_replica_commits_wakes_the_other(two: tuple[Store, Store]) -> None:
    here, there = two
    bells = {topic: there.signal(topic) for topic in TOPICS}
    incident = await open_incident(here)
    await rings(bells[Topic.OUTBOX], "heard of a new card")
    assert list(await there.outbox_channels(NOW)) == [CHANNEL], "it is there when the bell rings"
    assert not bells[Topic.ADVICE].is_set()
    await here.enqueue_advice(incident, "why?", ANA, NOW)
    await rings(bells[Topic.ADVICE], "heard of a question")
    assert not bells[Topic.DISPATCH].is_set()


async def test_a_topic_of_another_version_is_passed_over(
    two: tuple[Store, Store], database: str
) -> None:
    bell = two[0].signal(Topic.OUTBOX)
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as newer:
        await newer.execute(f"NOTIFY {NOTIFY_CHANNEL}, 'anotherbot unheard_of outbox'")
    await rings(bell, "heard of the topic that it knows")


async def test_a_burst_of_commits_wakes_the_others_a_few_times_and_the_last_one_is_heard(
    two: tuple[Store, Store], database: str
) -> None:
    here, there = two
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as listener:
        await listener.execute(f"LISTEN {NOTIFY_CHANNEL}")
        loop = asyncio.get_running_loop()
        began, last = loop.time(), there.signal(Topic.ADVICE)
        for number in range(50):
            await open_incident(here, service=f"s{number}", fingerprint=f"fp-{number}")
        (incident, *_) = await here.open_incidents()
        await here.enqueue_advice(incident, "why?", ANA, NOW)
        await rings(last, "heard of what was committed last")
        took = loop.time() - began
        items = [notice async for notice in listener.notifies(timeout=0)]
    assert 1 <= len(items) <= 2 + took / SPACING


async def test_whose_listener_was_killed_listens_again_and_looks_at_everything(
    two: tuple[Store, Store],
) -> None:
    here, there = two
    bells = [there.signal(topic) for topic in TOPICS]
    url = there._engine._url
    assert terminate(url, "SELECT clock_timestamp()") >= 2, "there was no listener to kill"
    for bell in bells:
        await rings(bell, "looked at what may have been missed")
        bell.clear()
    await open_incident(here)
    await rings(bells[0], "listened again")


# Killed backends, and a server that restarts


async def deliver_once(store: Store, identified_alert: IdentifiedAlert) -> str:
    """Hand it over once: 'done' or 'failed'; anything else is a fault."""
    try:
        await store.accept(identified_alert.dedup_key, [identified_alert], channel=CHANNEL, now=NOW)
    except StoreError:
        return "failed"
    return "done"


async def all_land(stores: tuple[Store, Store], disturb: Callable[[], Awaitable[object]]) -> None:
    """Told while the database is disturbed and told again where that failed, each counts once."""
    waiting = [identify(alert(fingerprint=f"fp-{number % 10}")) for number in range(200)]
    result = list(waiting)

    async def hand_over(store: Store) -> None:
        while waiting:
            item = waiting.pop()
            if await deliver_once(store, item) == "failed":
                waiting.append(item)

    await asyncio.gather(*(hand_over(store) for store in stores for _ in range(4)), disturb())
    for item in result:
        await until(lambda item=item: _is_done(stores[0], item), SOON, "took what it knows")  # type: ignore[misc]
    (incident,) = await stores[1].open_incidents()
    assert (incident.alert_count, incident.firing) == (len(result), 10)
    items = [entry.kind for entry in await stores[1].timeline(incident.id)]
    assert items == ["opened"]


async def _is_done(store: Store, identified_alert: IdentifiedAlert) -> bool:
    return await deliver_once(store, identified_alert) == "done"


async def test_tellings_survive_that_all_backends_are_killed(two: tuple[Store, Store]) -> None:
    url = two[0]._engine._url

    async def kill() -> None:
        for _ in range(10):
            assert await asyncio.to_thread(terminate, url) >= 0
            await until(lambda: answers(two[0]), SOON, "came back")

    await all_land(two, kill)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_tellings_survive_that_the_server_restarts(
    own_server: PostgresServer, mode: str
) -> None:
    storage = PostgresStorage(own_server.database())
    two = await storage.open("bot-a"), await storage.open("bot-b")
    try:
        await all_land(two, lambda: asyncio.to_thread(own_server.restart, mode))
        bell = two[1].signal(Topic.ADVICE)
        bell.clear()
        (incident,) = await two[0].open_incidents()

        async def hears() -> bool:
            await two[0].enqueue_advice(incident, "why?", ANA, NOW)
            return bell.is_set()

        await until(hears, SOON, "listened again")
    finally:
        await storage.close()


def meet(number: int, there: set[int], everybody: int) -> Operation[None]:
    """Go on when everybody has come: each on a connection of its own."""
    there.add(number)
    while len(there) < everybody:
        yield query("SELECT 1")


async def test_one_operation_survives_that_every_connection_of_the_pool_is_dead(
    two: tuple[Store, Store],
) -> None:
    engine = two[0]._engine
    there: set[int] = set()
    await asyncio.gather(
        *(engine.write(meet, number, there, CONNECTIONS) for number in range(CONNECTIONS))
    )
    assert terminate(engine._url) >= CONNECTIONS
    await two[0].ping(NOW)


async def test_while_the_server_is_gone_each_call_says_so_and_later_it_works_again(
    own_server: PostgresServer,
) -> None:
    async with impatient(own_server.database()) as store:
        await asyncio.to_thread(own_server.stop)
        try:
            with pytest.raises(StoreError, match=r"PostgreSQL 127\.0\.0\.1") as caught:
                await store.ping(NOW)
            assert not caught.value.permanent
            with pytest.raises(StoreError):
                await store.open_incidents()
        finally:
            await asyncio.to_thread(own_server.start)
        await until(lambda: answers(store), SOON, "came back")


# Two in each other's way


def crossing(mine: str, other: str, arrived: set[str]) -> Operation[None]:
    """Take one lock, wait until the other has taken its own, then want that."""
    yield lock(mine)
    yield execute("INSERT INTO deliveries (key, seen_at) VALUES (?, '2026')", mine)
    arrived.add(mine)
    while len(arrived) < 2:
        yield query("SELECT 1")
    yield lock(other)
    yield execute("UPDATE deliveries SET seen_at = '2027' WHERE key = ?", mine)


async def test_of_two_that_wait_for_each_other_one_is_run_again(two: tuple[Store, Store]) -> None:
    here, there = two
    arrived: set[str] = set()
    await asyncio.gather(
        here._engine.write(crossing, "a", "b", arrived),
        there._engine.write(crossing, "b", "a", arrived),
    )

    def seen() -> Operation[list[tuple[str, str]]]:
        rows = yield query("SELECT key, seen_at FROM deliveries ORDER BY key")
        return [tuple(row) for row in rows]

    assert await here._engine.read(seen) == [("a", "2027"), ("b", "2027")]
