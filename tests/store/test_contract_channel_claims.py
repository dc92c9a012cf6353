"""Channel claims in every store: one replica sends in a channel, and passes its rate on."""

from __future__ import annotations

import asyncio

import pytest

from store import Store
from store.messages import OutboxMessage
from store.replica import LEASE
from tests.helpers.builders import (
    CHANNEL,
    NOW,
    later,
    open_incident,
)
from tests.helpers.replicas import Process, two_processes, wait
from tests.helpers.stores import Storage


@pytest.fixture
async def two(storage: Storage) -> tuple[Process, Process]:
    return await two_processes(storage)


async def card(store: Store) -> OutboxMessage:
    (item,) = await store.outbox_due(CHANNEL, NOW)
    return item


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
