"""A stalled network and a lost answer: PostgreSQL may have committed, and the store says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import psycopg
import pytest

from bot.errors import NotFound, StoreError
from bot.incidents.correlation import IdentifiedAlert
from store import Store
from store.statements import Operation, query
from store.topics import Topic
from tests.helpers.builders import (
    ANA,
    CHANNEL,
    NOW,
    alert,
    deliver,
    identify,
)
from tests.helpers.postgres import PostgresServer
from tests.helpers.postgres_faults import SOON, answers, impatient, terminate, two_stores
from tests.helpers.tcp_proxy import TcpProxy
from tests.helpers.waiting import until


@pytest.fixture
async def two(database: str) -> AsyncIterator[tuple[Store, Store]]:
    async with two_stores(database) as stores:
        yield stores


def by_wire(url: str, tcp_proxy: TcpProxy) -> str:
    """The same database, by way of the wire."""
    return url.replace(f":{urlsplit(url).port}/", f":{tcp_proxy.port}/")


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
