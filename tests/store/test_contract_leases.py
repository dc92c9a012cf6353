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
from store.messages import OutboxMessage
from store.operations import leases
from store.operations.leases import WORK, ChannelClaim
from store.replica import LEASE, Replica
from tests.helpers.builders import (
    ANA,
    AUDIT_KEY,
    CHANNEL,
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
from tests.helpers.stores import Storage

JOB = "job/expire"


class Process:
    """A replica with a steady clock that the test moves; the database's time moves with it."""

    def __init__(self, store: Store, owner: str = "") -> None:
        self.store = store
        self.seconds = 0.0
        self.replica = Replica(
            store._engine, owner or store.owner, seconds=LEASE, monotonic=lambda: self.seconds
        )

    @property
    def now(self) -> datetime:
        return later(self.seconds)

    async def renew(self) -> None:
        await self.replica.renew(self.now)

    async def leads(self, name: str = JOB) -> bool:
        return await self.replica.leads(name, self.now)

    async def claim_channel(self, channel: str = CHANNEL) -> ChannelClaim | None:
        return await self.replica.claim_channel(channel, self.now)


async def replicas_alive(process: Process, now: datetime) -> list[tuple[str, datetime, datetime]]:
    """(owner, started at, lease until) of every replica alive, as `store status` lists them."""
    return await process.store._engine.read(leases.replicas, now)


def wait(seconds: float, *processes: Process) -> None:
    """So much time passes for all of them."""
    for process in processes:
        process.seconds += seconds


@pytest.fixture
async def two(storage: Storage) -> tuple[Process, Process]:
    """Two processes, alive since now."""
    stores = [await storage.open("bot-a"), await storage.open("bot-b")]
    for store in stores:
        store._engine.alone = False  # what one process has in memory serves two here
    here, there = (Process(store) for store in stores)
    await here.renew()
    await there.renew()
    return here, there


async def card(store: Store) -> OutboxMessage:
    (item,) = await store.outbox_due(CHANNEL, NOW)
    return item


# Claims


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


# Lanes


async def test_a_lane_that_one_has_no_other_takes(two: tuple[Process, Process]) -> None:
    here, there = two
    claims = await asyncio.gather(
        *(process.claim_channel() for process in (here, there) for _ in range(5))
    )
    owners = {
        process.store.owner
        for process, claim in zip([here] * 5 + [there] * 5, claims, strict=True)
        if claim is not None
    }
    assert len(owners) == 1
    other = there if owners == {"bot-a"} else here
    assert await other.claim_channel("C0OTHER") is not None


async def test_channels_that_another_looks_after_are_left_out_until_its_lease_lapsed(
    two: tuple[Process, Process],
) -> None:
    here, there = two
    await open_incident(here.store)
    for process in two:
        assert list(await process.store.outbox_channels(process.now)) == [CHANNEL]
    assert await here.claim_channel() is not None
    assert list(await here.store.outbox_channels(here.now)) == [CHANNEL]
    assert await there.store.outbox_channels(there.now) == {}
    wait(LEASE - 0.001, here, there)
    assert await there.store.outbox_channels(there.now) == {}
    wait(0.001, here, there)
    assert list(await there.store.outbox_channels(there.now)) == [CHANNEL]


async def test_a_channel_is_anybodys_as_soon_as_its_owner_left(
    two: tuple[Process, Process],
) -> None:
    here, there = two
    await open_incident(here.store)
    assert await here.claim_channel() is not None
    await here.replica.leave()
    assert list(await there.store.outbox_channels(there.now)) == [CHANNEL]
    assert await there.claim_channel() is not None


async def test_a_lanes_pace_goes_on_under_whoever_takes_it_over(
    two: tuple[Process, Process],
) -> None:
    here, there = two
    await open_incident(here.store)
    claim = await here.claim_channel()
    assert claim is not None
    assert claim.paced_until is None
    await here.store.outbox_sent(await card(here.store), "100.1", later(3))
    wait(LEASE, here, there)
    await there.renew()
    claim = await there.claim_channel()
    assert claim is not None
    assert claim.paced_until == later(3)


async def test_the_pace_is_its_owners_to_set(two: tuple[Process, Process]) -> None:
    here, there = two
    await open_incident(here.store)
    assert await here.claim_channel() is not None
    message = await card(here.store)
    wait(LEASE, here, there)
    await there.renew()
    assert await there.claim_channel() is not None
    await there.store.outbox_sent(message, "100.1", later(20))
    assert not await here.store.outbox_sent(message, "100.2", later(5))
    claim = await there.claim_channel()
    assert claim is not None
    assert claim.paced_until == later(20)


async def test_what_is_wished_after_a_lane_was_taken_is_newer_than_it(
    two: tuple[Process, Process],
) -> None:
    here, there = two
    empty = await here.claim_channel()
    assert empty is not None
    assert empty.newest == 0
    first = await open_incident(there.store)
    claim = await here.claim_channel()
    assert claim is not None
    second = await open_incident(there.store, service="api", fingerprint="fp-api")
    before = await here.store.outbox_message(f"card:{first.id}")
    after = await here.store.outbox_message(f"card:{second.id}")
    assert before is not None
    assert after is not None
    assert before.id == claim.newest < after.id


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
