"""PostgreSQL under faults: killed backends, a restart, a stall, a lost answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import psycopg
import pytest

from bot.errors import NotFound, StoreError
from bot.incidents.correlation import IdentifiedAlert
from store import Store
from store.engines.postgres import CONNECTIONS, PostgresEngine
from store.engines.postgres_connections import CHANNEL as NOTIFY_CHANNEL
from store.engines.postgres_connections import SPACING
from store.statements import Operation, execute, lock, query
from store.topics import Topic
from tests.helpers.builders import (
    ANA,
    CHANNEL,
    NOW,
    alert,
    deliver,
    identify,
    open_incident,
)
from tests.helpers.postgres import PostgresServer, postgres_server
from tests.helpers.stores import PostgresStorage
from tests.helpers.tcp_proxy import TcpProxy
from tests.helpers.waiting import until

TOPICS = (Topic.OUTBOX, Topic.ADVICE, Topic.ADVICE_GIVEN, Topic.DISPATCH)
SOON = 60  # seconds after which what must happen surely never will


@pytest.fixture
async def two(database: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two processes on one database."""
    storage = PostgresStorage(database)
    yield await storage.open("bot-a"), await storage.open("bot-b")
    await storage.close()


@pytest.fixture(scope="module")
def own_server(postgres: PostgresServer) -> Iterator[PostgresServer]:
    """A server that these tests may stop; what it said is written stays written."""
    with postgres_server({"synchronous_commit": "on"}) as server:
        yield server


@asynccontextmanager
async def impatient(url: str) -> AsyncIterator[Store]:
    """A store that gives up waiting after two seconds."""
    engine = PostgresEngine(url, timeout=2.0)
    try:
        await engine.start()
        yield Store(engine, owner="bot-impatient")
    finally:
        await engine.close()


def by_wire(url: str, tcp_proxy: TcpProxy) -> str:
    """The same database, by way of the wire."""
    return url.replace(f":{urlsplit(url).port}/", f":{tcp_proxy.port}/")


def beside(url: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection of the test's own, to another database of the same server."""
    return psycopg.connect(url, dbname="postgres", autocommit=True)


def terminate(url: str, query: str = "%") -> int:
    """End the backends whose last statement is like this, and see them gone. Returns how many."""
    with beside(url) as connection:
        rows = connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = %s AND query LIKE %s AND backend_type = 'client backend'",
            (urlsplit(url).path[1:], query),
        ).fetchall()
    return len(rows)


async def answers(store: Store) -> bool:
    try:
        await store.ping(NOW)
    except StoreError:
        return False
    return True


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


# A stalled network, and an answer that never came


async def test_a_stalled_connection_ends_in_an_error_and_works_again_when_it_flows(
    database: str,
) -> None:
    server = urlsplit(database)
    async with (
        TcpProxy.to("127.0.0.1", server.port or 0) as tcp_proxy,
        impatient(by_wire(database, tcp_proxy)) as store,
    ):
        incident_id = await deliver(store, alert())
        result = identify(alert(), dedup_key="told-into-the-stall")
        tcp_proxy.stall()
        async with asyncio.timeout(SOON):
            with pytest.raises(StoreError) as caught:
                await store.accept("stalled", [result], channel=CHANNEL, now=NOW)
            with pytest.raises(StoreError):
                await store.open_incidents()
        assert caught.value.remedy
        assert not caught.value.permanent
        tcp_proxy.resume()
        await until(lambda: answers(store), SOON, "came back")
        await store.accept("stalled", [result], channel=CHANNEL, now=NOW)
        assert (await store.incident(incident_id)).alert_count == 2
        bell = store.signal(Topic.ADVICE)
        incident = await store.incident(incident_id)
        async with impatient(database) as other:

            async def hears() -> bool:
                await other.enqueue_advice(incident, "why?", ANA, NOW)
                return bell.is_set()

            bell.clear()
            await until(hears, SOON, "listened again")


COMMITS_WAIT = """
CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON deliveries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_for_the_test();
"""


@pytest.fixture
def fresh(postgres: PostgresServer) -> Iterator[str]:
    """A database of this test alone, with the present schema."""
    url = postgres.database()
    yield url
    postgres.drop(url)


@asynccontextmanager
async def in_its_commit(
    url: str, store: Store, identified_alert: IdentifiedAlert
) -> AsyncIterator[asyncio.Task[object]]:
    """A delivery whose COMMIT the server is about to do, which it does when the block ends."""
    with psycopg.connect(url, autocommit=True) as held:
        held.execute(COMMITS_WAIT)
        held.execute("SELECT pg_advisory_lock(1)")
        result = asyncio.ensure_future(
            store.accept("lost", [identified_alert], channel=CHANNEL, now=NOW)
        )

        async def waits() -> bool:
            rows = held.execute(
                "SELECT query FROM pg_stat_activity WHERE wait_event = 'advisory'"
                " AND datname = current_database()"
            ).fetchall()
            return rows == [("COMMIT",)]

        await until(waits, SOON, "in its commit")
        yield result
        held.execute("SELECT pg_advisory_unlock(1)")


async def test_a_commit_whose_answer_is_lost_says_so_and_counts_once_when_told_again(
    fresh: str,
) -> None:
    result = identify(alert())
    async with (
        TcpProxy.to("127.0.0.1", urlsplit(fresh).port or 0) as tcp_proxy,
        impatient(by_wire(fresh, tcp_proxy)) as store,
    ):
        async with in_its_commit(fresh, store, result) as entry:
            tcp_proxy.stall()
        with pytest.raises(StoreError, match="it may stand") as caught:
            await entry
        assert "delivered again" in caught.value.remedy
        tcp_proxy.resume()
        await until(lambda: answers(store), SOON, "came back")
        receipt = await store.accept("lost", [result], channel=CHANNEL, now=NOW)
        assert (receipt.accepted, receipt.tracking_ids) == (0, (result.tracking_id,)), "it stood"
        (incident,) = await store.open_incidents()
        assert incident.alert_count == 1


async def test_a_commit_that_was_killed_says_so_and_counts_once_when_told_again(
    fresh: str,
) -> None:
    result = identify(alert())
    async with impatient(fresh) as store:
        async with in_its_commit(fresh, store, result) as entry:
            assert terminate(fresh, "COMMIT") == 1
            with pytest.raises(StoreError, match="it may stand"):
                await entry
        assert await store.open_incidents() == []
        receipt = await store.accept("lost", [result], channel=CHANNEL, now=NOW)
        assert receipt.accepted == 1
        (incident,) = await store.open_incidents()
        assert incident.alert_count == 1


async def test_a_commit_that_the_server_refused_did_not_happen_and_is_not_called_lost(
    fresh: str,
) -> None:
    with psycopg.connect(fresh, autocommit=True) as connection:
        connection.execute(
            COMMITS_WAIT.replace(
                "PERFORM pg_advisory_xact_lock(1)",
                "RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'",
            )
        )
        async with impatient(fresh) as store:
            with pytest.raises(StoreError, match="full disk"):
                await deliver(store, alert())
            connection.execute("DROP TRIGGER at_commit ON deliveries")
            assert await store.open_incidents() == []
            assert await deliver(store, alert())


async def test_a_refusal_on_a_connection_that_dies_with_it_is_still_the_refusal(
    two: tuple[Store, Store],
) -> None:
    store = two[0]

    def refused() -> Operation[None]:
        yield query("SELECT 1")
        terminate(store._engine._url)
        raise NotFound("nothing of that name")

    with pytest.raises(NotFound):
        await store._engine.write(refused)
    await store.ping(NOW)
