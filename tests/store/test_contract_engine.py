"""Every engine: a write is durable before it returns, wakes waiters after, and fails alone."""

from __future__ import annotations

import asyncio

import pytest

from bot.approvals.model import Choice
from bot.errors import NotFound, Refused, StoreError
from store import Store
from store.statements import Operation, execute, notify, query
from store.topics import Topic
from tests.helpers.builders import (
    ANA,
    CHANNEL,
    NOW,
    TEAM,
    alert,
    deliver,
    identify,
    later,
    open_incident,
    pending_approval,
    voter,
)
from tests.helpers.stores import Storage


def fire(key: str, *, fail: bool) -> Operation[None]:
    """Write, notify, and perhaps fail afterwards."""
    yield execute("INSERT INTO deliveries (key, seen_at) VALUES (?, '2026')", key)
    yield notify(Topic.ADVICE_GIVEN)
    if fail:
        raise Refused("no")


def wrong_type() -> Operation[None]:
    """A value that no engine can bind."""
    yield execute("INSERT INTO deliveries (key, seen_at) VALUES (?, '2026')", object())


def broken_rule() -> Operation[None]:
    """A row that the schema forbids."""
    yield execute("INSERT INTO firing (fingerprint, incident_id, name) VALUES ('f', 999, 'n')")


def rows(sql: str) -> Operation[list[object]]:
    """Return what a query gives, as tuples."""
    result = yield query(sql)
    return [tuple(row) for row in result]


async def test_a_signal_is_set_only_after_what_it_tells_of_is_there(store: Store) -> None:
    bell = store.signal(Topic.OUTBOX)
    assert not bell.is_set()

    async def wait() -> list[str]:
        await asyncio.wait_for(bell.wait(), 5)
        return await store.outbox_channels(NOW)

    waiting = asyncio.create_task(wait())
    await deliver(store, alert())
    assert list(await waiting) == [CHANNEL]


async def test_work_wakes_those_who_do_it(store: Store) -> None:
    of_work = (Topic.OUTBOX, Topic.ADVICE, Topic.ADVICE_GIVEN, Topic.DISPATCH)
    topics = {topic: store.signal(topic) for topic in of_work}

    def rung() -> set[Topic]:
        names = {topic for topic, event in topics.items() if event.is_set()}
        for event in topics.values():
            event.clear()
        return names

    incident = await open_incident(store)
    assert rung() == {"outbox"}, "advice never delays the card: its posting wakes the advisor"
    (card,) = await store.outbox_due(CHANNEL, NOW)
    await store.outbox_sent(card, "1.000001")
    assert rung() == {"outbox", "advice"}
    record = await store.claim_advice(NOW)
    assert record is not None
    assert rung() == set()
    await store.give_advice(record.id, {"source": "Q"}, "said", NOW)
    assert rung() == {"outbox", "advised"}
    await store.enqueue_advice(incident, "why?", ANA, NOW)
    assert rung() == {"advice"}
    result = await pending_approval(store, incident.id)
    assert rung() == {"outbox"}
    await store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
    assert rung() == {"outbox", "dispatch"}


async def test_a_message_that_nothing_waits_for_wakes_nobody_when_it_is_posted(
    store: Store,
) -> None:
    outbox, propose = store.signal(Topic.OUTBOX), store.signal(Topic.PROPOSE)
    await open_incident(store)
    (card,) = await store.outbox_due(CHANNEL, NOW)
    await store.outbox_sent(card, "1.000001")
    assert not propose.is_set(), "nothing is to be proposed"
    record = await store.claim_advice(NOW)
    assert record is not None
    await store.give_advice(record.id, {"source": "Q"}, "said", NOW)
    (reply,) = await store.outbox_due(CHANNEL, NOW)
    outbox.clear()
    await store.outbox_sent(reply, "1.000002")
    assert not outbox.is_set(), "no message waits for a reply"


async def test_a_signal_belongs_to_its_topic_and_is_always_the_same_event(store: Store) -> None:
    assert store.signal(Topic.OUTBOX) is store.signal(Topic.OUTBOX)
    assert store.signal(Topic.OUTBOX) is not store.signal(Topic.ADVICE)


async def test_an_operation_that_failed_wakes_nobody_and_leaves_nothing(store: Store) -> None:
    bell = store.signal(Topic.ADVICE_GIVEN)
    with pytest.raises(Refused):
        await store._engine.write(fire, "k1", fail=True)
    assert not bell.is_set()
    assert await store._engine.read(rows, "SELECT key FROM deliveries") == []
    await store._engine.write(fire, "k1", fail=False)
    assert bell.is_set()


async def test_one_that_fails_takes_no_other_with_it(store: Store) -> None:
    engine = store._engine
    outcomes = await asyncio.gather(
        engine.write(fire, "good-1", fail=False),
        engine.write(fire, "bad", fail=True),
        engine.write(wrong_type),
        engine.write(broken_rule),
        store.acknowledge(999, ANA, NOW),
        engine.write(fire, "good-1", fail=False),
        engine.write(fire, "good-2", fail=False),
        return_exceptions=True,
    )
    kinds = [type(outcome) for outcome in outcomes]
    none = type(None)
    assert kinds == [none, Refused, StoreError, StoreError, NotFound, StoreError, none]
    kept = await engine.read(rows, "SELECT key FROM deliveries ORDER BY key")
    assert kept == [("good-1",), ("good-2",)]


async def test_what_shares_a_commit_with_a_failure_happens_once_and_is_told(store: Store) -> None:
    bell = store.signal(Topic.ADVICE_GIVEN)
    outcomes = await asyncio.gather(
        deliver(store, alert()),
        store._engine.write(fire, "bad", fail=True),
        deliver(store, alert()),
        store.acknowledge(999, ANA, NOW),
        deliver(store, alert()),
        return_exceptions=True,
    )
    incident_id = outcomes[0]
    assert isinstance(incident_id, int)
    assert [type(outcome) for outcome in outcomes] == [int, Refused, int, NotFound, int]
    assert (await store.incident(incident_id)).alert_count == 3
    assert store.signal(Topic.OUTBOX).is_set()
    assert not bell.is_set()


async def test_a_delivery_of_which_one_alert_fails_is_not_written_at_all(store: Store) -> None:
    unserialisable = alert(fingerprint="fp-2", labels={("a", "tuple"): "x"})
    with pytest.raises(TypeError):
        await store.accept(
            "d1", [identify(alert()), identify(unserialisable)], channel=CHANNEL, now=NOW
        )
    assert await store.open_incidents() == []
    assert await store.known_deliveries(["d1"]) == set(), "it may be delivered again"


async def test_a_caller_that_goes_away_neither_stops_nor_breaks_the_write(store: Store) -> None:
    writing = asyncio.create_task(deliver(store, alert()))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    async with asyncio.timeout(10):
        while not await store.open_incidents():
            await store.ping(NOW)


@pytest.mark.sqlite_file
async def test_what_one_store_wrote_the_next_one_reads(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    for number in range(20):
        incident_id = await deliver(here, alert(service=f"s{number}", fingerprint=f"fp{number}"))
        assert (await there.incident(incident_id)).service == f"s{number}"


async def test_a_ping_goes_through_and_changes_nothing(store: Store) -> None:
    await store.ping(NOW)
    assert await store.incident_counts() == {}


async def test_the_schema_names_its_migrations_in_order(store: Store) -> None:
    names = await store.schema()
    assert names[0] == "m001_initial"
    assert names == sorted(names)


async def test_a_closed_store_says_so_and_closing_twice_is_harmless(store: Store) -> None:
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.ping(NOW)
    with pytest.raises(StoreError, match="closed"):
        await store.open_incidents()
