"""Races of two processes that every store decides.

Each test tries often enough that an interleaving which loses something comes up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bot.approvals.model import Approval, Choice
from bot.errors import Refused
from bot.incidents.correlation import IdentifiedAlert
from store import Store
from store.receipts import Receipt
from store.replica import Replica
from tests.helpers.builders import (
    CHANNEL,
    NOW,
    TEAM,
    alert,
    deliver,
    identify,
    later,
    open_incident,
    pending_approval,
    resolved,
    voter,
)
from tests.helpers.stores import Storage

TIMES = 12


async def two(storage: Storage) -> tuple[Store, Store]:
    return await storage.open("bot-a"), await storage.open("bot-b")


async def yes(store: Store, approval: Approval, user: str) -> Approval:
    return await store.vote(approval.id, voter(user), Choice.APPROVE, TEAM, later(1))


async def accept(store: Store, key: str, alerts: Sequence[IdentifiedAlert]) -> Receipt:
    return await store.accept(key, alerts, channel=CHANNEL, now=NOW)


@pytest.mark.sqlite_file
async def test_three_who_press_at_once_where_two_are_needed_leave_two_votes(
    storage: Storage,
) -> None:
    here, there = await two(storage)
    people = ("U0ONE", "U0TWO", "U0THREE")
    for number in range(TIMES):
        incident = await open_incident(here, service=f"s{number}", fingerprint=f"fp{number}")
        result = await pending_approval(here, incident.id, needed=2, approvers=people)
        answers = await asyncio.gather(
            *(
                yes(store, result, user)
                for store, user in zip((here, there, here), people, strict=True)
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, Refused) for answer in answers) == 1
        assert len((await here.approval(result.id)).votes) == 2


async def test_an_alert_and_its_resolve_that_tells_less_at_once_leave_what_was_said_last(
    storage: Storage,
) -> None:
    here, there = await two(storage)
    for number in range(TIMES):
        fires = identify(alert(service=f"s{number}", fingerprint=f"fp{number}"), sent_at=later(1))
        ends = identify(resolved(service="", fingerprint=f"fp{number}"), sent_at=later(2))
        await asyncio.gather(
            accept(here, f"f{number}", [fires]), accept(there, f"r{number}", [ends])
        )
    assert await here.open_incidents() == []


async def test_deliveries_that_find_out_late_what_they_need_of_each_other_all_land(
    storage: Storage,
) -> None:
    """Each alert fires in the incident of the other one's service, which names itself too."""
    here, there = await two(storage)
    wide = {"service": "", "name": ""}
    for number in range(4):
        for name in ("a", "b"):
            await deliver(here, alert(service=f"{name}{number}", fingerprint=f"{name}{number}"))
        to_a = [alert(**wide, fingerprint=f"a{number}"), alert(**wide, fingerprint=f"b{number}")]
        await asyncio.gather(deliver(here, *to_a), deliver(there, *to_a[::-1]))
    incidents = await here.open_incidents()
    assert [item.alert_count for item in incidents] == [3] * 8


async def test_a_wish_of_two_for_the_same_message_is_one_message(storage: Storage) -> None:
    here, there = await two(storage)
    incident = await open_incident(here)
    ends = []
    for number in range(TIMES):
        result = await pending_approval(here, incident.id)
        ends.append(result.id)
        await asyncio.gather(
            *(store.expire_approvals(later(1_000 + number)) for store in (here, there))
        )
    items = [entry.kind for entry in await here.timeline(incident.id)]
    assert items.count("expired") == TIMES
    for approval_id in ends:
        reply = await here.outbox_message(f"approval:{approval_id}")
        assert reply is not None
        assert reply.desired_version == 2, "asked, and expired once"


async def test_of_two_that_take_over_from_the_dead_as_they_come_alive_one_gets_it(
    storage: Storage,
) -> None:
    here, there = await two(storage)
    names = [f"job/{number}" for number in range(TIMES)]
    dead = Replica(here._engine, "dead")
    await dead.renew(NOW)
    for name in names:
        assert await dead.leads(name, NOW)

    async def rise(store: Store) -> list[bool]:
        heir = Replica(store._engine, store.owner)
        await heir.renew(later(11))
        return [await heir.leads(name, later(11)) for name in names]

    won = await asyncio.gather(rise(here), rise(there))
    taken = [sum(leads) for leads in zip(*won, strict=True)]
    assert taken == [1] * TIMES or here._engine.alone, "who is alone evicts the others"


@pytest.mark.parametrize("storage", ["sqlite-file", "postgresql"], indirect=True)
async def test_a_renewal_that_comes_late_brings_back_nothing_that_others_may_have(
    storage: Storage,
) -> None:
    here, there = await two(storage)
    seconds = 0.0
    late = Replica(here._engine, "late", monotonic=lambda: seconds)
    await late.renew(NOW)
    claim = await late.claim_channel(CHANNEL, NOW)
    assert claim is not None
    heir = Replica(there._engine, "heir")
    await heir.renew(later(11))
    assert await heir.claim_channel(CHANNEL, later(11)) is not None
    # It read the time at 5, by which it had not lapsed, stood still, and goes on at 12.
    seconds = 12.0
    await late.renew(later(5))
    assert not late.holds_channel(claim)
    assert await late.claim_channel(CHANNEL, later(12)) is None
