"""Replicas in every store: one lease each, and one owner for each claim."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from bot.approvals.model import Choice
from store import Store, open_store
from store.operations import leases
from store.operations.leases import WORK
from store.replica import LEASE
from tests.helpers.builders import (
    ANA,
    AUDIT_KEY,
    NOW,
    TEAM,
    alert,
    claim_execution,
    deliver,
    later,
    open_incident,
    pending_approval,
    voter,
)
from tests.helpers.replicas import Process, two_processes, wait
from tests.helpers.stores import Storage


async def replicas_alive(process: Process, now: datetime) -> list[tuple[str, datetime, datetime]]:
    """(owner, started at, lease until) of every replica alive, as `store status` lists them."""
    return await process.store._engine.read(leases.replicas, now)


# Claims


@pytest.fixture
async def two(storage: Storage) -> tuple[Process, Process]:
    return await two_processes(storage)


async def test_a_claim_is_taken_by_exactly_one_of_many_at_once(
    two: tuple[Process, Process],
) -> None:
    here, there = two
    many = [
        Process(store, f"bot-{number}")
        for number in range(10)
        for store in (here.store if number % 2 else there.store,)
    ]
    for process in many:
        await process.renew()
    answers = await asyncio.gather(*(process.leads() for process in many))
    assert answers.count(True) == 1
    assert await asyncio.gather(*(process.leads() for process in many)) == answers


async def test_each_name_is_a_claim_of_its_own(two: tuple[Process, Process]) -> None:
    here, there = two
    assert await here.leads("job/one")
    assert await there.leads("job/two")
    assert not await there.leads("job/one")


async def test_renewal_keeps_a_claim_and_a_lapse_frees_it(two: tuple[Process, Process]) -> None:
    here, there = two
    assert await here.leads()
    for _ in range(3):
        wait(LEASE * 0.8, here, there)
        await here.renew()
        await there.renew()
        assert not await there.leads()
        assert await here.leads()
    wait(LEASE - 0.001, here, there)
    await there.renew()
    assert not await there.leads(), "the last moment of the lease is its owner's"
    wait(0.001, here, there)
    assert await there.leads()


async def test_who_leaves_frees_at_once_and_says_so(two: tuple[Process, Process]) -> None:
    here, there = two
    assert await here.leads()
    bells = [here.store.signal(topic) for topic in WORK]
    await here.replica.leave()
    assert not here.replica.holds
    assert not await here.leads()
    assert all(bell.is_set() for bell in bells), "others look at once for what was left"
    assert await there.leads()


async def test_a_replica_frozen_past_its_lease_knows_before_it_asks_anybody(
    two: tuple[Process, Process],
) -> None:
    here, there = two
    claim = await here.claim_channel()
    assert claim is not None
    assert here.replica.holds
    assert here.replica.holds_channel(claim)
    wait(LEASE, here)
    assert not here.replica.holds
    assert not here.replica.holds_channel(claim)
    assert not await here.leads("job/new")
    assert await here.claim_channel("C0OTHER") is None
    assert there.replica.holds


async def test_an_owner_stops_before_another_may_start(two: tuple[Process, Process]) -> None:
    here, there = two
    assert await here.leads()
    wait(LEASE * 0.95, here, there)
    await there.renew()
    assert not here.replica.holds
    assert not await there.leads()


async def test_a_replica_that_never_renewed_holds_nothing(two: tuple[Process, Process]) -> None:
    new = Process(two[0].store, "bot-new")
    assert not new.replica.holds
    assert not await new.leads()


async def test_after_a_lapse_all_is_to_be_claimed_anew(two: tuple[Process, Process]) -> None:
    here, there = two
    taken, kept = await here.claim_channel("C0TAKEN"), await here.claim_channel("C0KEPT")
    assert taken is not None
    assert kept is not None
    assert await here.leads()
    wait(LEASE, here, there)
    await there.renew()
    assert await there.leads()
    assert await there.claim_channel("C0TAKEN") is not None
    await here.renew()
    assert here.replica.holds
    assert not here.replica.holds_channel(taken)
    assert not here.replica.holds_channel(kept), "who had it meanwhile is not known"
    assert not await here.leads()
    assert await here.claim_channel("C0TAKEN") is None
    claim = await here.claim_channel("C0KEPT")
    assert claim is not None
    assert here.replica.holds_channel(claim)


async def test_a_renewal_in_time_lets_go_of_nothing(two: tuple[Process, Process]) -> None:
    here, _ = two
    claim = await here.claim_channel()
    assert claim is not None
    for _ in range(5):
        wait(LEASE * 0.8, here)
        await here.renew()
        assert here.replica.holds_channel(claim)


async def test_the_living_are_listed_with_since_when_and_until_when(
    two: tuple[Process, Process],
) -> None:
    here, there = two
    wait(4, here, there)
    await there.renew()
    assert await replicas_alive(here, here.now) == [
        ("bot-a", NOW, later(LEASE)),
        ("bot-b", NOW, later(4 + LEASE)),
    ]
    late = Process(there.store, "bot-0")
    late.seconds = 5
    await late.renew()
    assert [name for name, _, _ in await replicas_alive(there, later(5))] == [
        "bot-a",
        "bot-b",
        "bot-0",
    ], "oldest first"
    assert [name for name, _, _ in await replicas_alive(there, later(LEASE))] == ["bot-b", "bot-0"]
    await there.replica.leave()
    assert [name for name, _, _ in await replicas_alive(here, later(LEASE))] == ["bot-0"]


# What a replica leaves behind


async def test_advice_of_a_lapsed_owner_comes_to_another_and_never_before(
    two: tuple[Process, Process],
) -> None:
    here, there = two
    await deliver(here.store, alert())
    taken = await here.store.claim_advice(here.now)
    assert taken is not None
    wait(LEASE - 0.001, here, there)
    await there.renew()
    assert await there.store.claim_advice(there.now) is None
    wait(0.001, here, there)
    assert await here.store.claim_advice(here.now) is None, "its own it does not take twice"
    inherited = await there.store.claim_advice(there.now)
    assert inherited is not None
    assert inherited.id == taken.id
    assert await there.store.claim_advice(there.now) is None


async def test_a_dispatch_of_a_lapsed_owner_is_adopted_once_and_never_before(
    two: tuple[Process, Process],
) -> None:
    here, there = two
    incident = await open_incident(here.store)
    result = await pending_approval(here.store, incident.id)
    await here.store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, NOW)
    execution = await claim_execution(here.store, here.now)
    assert execution is not None
    wait(LEASE - 0.001, here, there)
    await there.renew()
    assert await there.store.orphaned_executions(NOW, there.now) == []
    wait(0.001, here, there)
    assert await here.store.orphaned_executions(NOW, here.now) == []
    assert await there.store.orphaned_executions(NOW, there.now) == [execution]
    assert await there.store.adopt_execution(execution, there.now)
    assert await there.store.orphaned_executions(NOW, there.now) == []
    assert not await here.store.adopt_execution(execution, here.now), (
        "it was its own once, not any more"
    )


# An engine that nobody else can be using


@asynccontextmanager
async def alone_on(url: str, owner: str) -> AsyncIterator[Store]:
    store = await open_store(url, owner=owner, exclusive=True, audit_key=AUDIT_KEY)
    try:
        yield store
    finally:
        await store.close()


async def test_who_is_alone_takes_over_at_once_what_a_killed_process_held(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sopbot.db'}"
    async with alone_on(url, "bot-killed") as killed:
        former = Process(killed)
        await former.renew()
        assert await former.leads()
        await deliver(killed, alert())
        assert await killed.claim_advice(former.now) is not None
    async with alone_on(url, "bot-new") as store:
        new = Process(store)
        assert not await new.leads(), "its lease begins with its first renewal"
        await new.renew()
        assert await replicas_alive(new, new.now) == [("bot-new", NOW, later(LEASE))]
        assert await new.leads()
        assert await store.claim_advice(new.now) is not None


async def test_who_is_alone_holds_what_it_claimed_however_long_it_was_frozen() -> None:
    async with alone_on("sqlite://", "bot-a") as store:
        process = Process(store)
        await process.renew()
        claim = await process.claim_channel()
        assert claim is not None
        wait(LEASE * 100, process)
        assert process.replica.holds
        assert process.replica.holds_channel(claim)


async def test_who_shares_its_engine_evicts_nobody(storage: Storage) -> None:
    here = Process(await storage.open("bot-a"))
    here.store._engine.alone = False
    await here.renew()
    late = Process(here.store, "bot-late")
    await late.renew()
    assert [name for name, _, _ in await replicas_alive(here, NOW)] == ["bot-a", "bot-late"]
