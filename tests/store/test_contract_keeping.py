"""The audit trail over the years: a head every day, old rows pruned, and the proof that holds."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.errors import StoreError
from store import Store
from store.audit.proof.rows import CHECKPOINT, HEAD
from store.operations.audit_kinds import Kind
from tests.helpers.builders import ANA, CHANNEL, NOW
from tests.helpers.stores import Storage
from tests.helpers.trail import anchors, fault, tamper, trail

MIDNIGHT = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
TODAY = NOW.date().isoformat()


async def say(store: Store, count: int, *, day: float = 0.0) -> None:
    """So many rows, a second after each other, so many days after NOW."""
    for number in range(count):
        at = NOW + timedelta(days=day, seconds=number)
        await store.record(Kind.VOTED, now=at, subject=f"s{number}", actor=ANA)


def days(count: float) -> timedelta:
    return timedelta(days=count)


async def test_a_day_is_closed_once_it_is_over_and_its_head_wished_for(store: Store) -> None:
    await say(store, 3)
    assert not await store.close_audit_day(CHANNEL, NOW + timedelta(hours=1)), "it is not over"
    assert await store.close_audit_day(CHANNEL, MIDNIGHT + days(1))

    day = await store.audit_day(TODAY)
    assert day is not None
    assert (day.seq, day.mac, day.note) == (3, (await trail(store))[-1].mac, "")
    message = await store.outbox_message(f"audit_head:{TODAY}")
    assert message is not None
    assert (message.channel, message.in_thread, message.incident_id) == (CHANNEL, False, None)
    assert await fault(store) == ""
    assert await fault(store, head=day.mac) == ""


async def test_nothing_is_said_of_a_trail_that_has_nothing(store: Store) -> None:
    assert not await store.close_audit_day(CHANNEL, NOW)


async def test_a_day_is_closed_once_whoever_asks_and_whenever(storage: Storage) -> None:
    stores = [await storage.open(f"bot-{number}") for number in range(3)]
    await say(stores[0], 2)
    asking = [
        store.close_audit_day(CHANNEL, MIDNIGHT + days(1) + timedelta(seconds=number))
        for number, store in enumerate(stores * 4)
    ]
    assert sum(await asyncio.gather(*asking)) == 1
    message = await stores[0].outbox_message(f"audit_head:{TODAY}")
    assert message is not None
    assert message.desired_version == 1
    assert not await stores[0].close_audit_day(CHANNEL, MIDNIGHT + days(1.5))
    assert await stores[0].close_audit_day(CHANNEL, MIDNIGHT + days(2))


async def test_a_day_proves_what_came_since_the_last_and_tells_what_is_wrong(store: Store) -> None:
    await say(store, 3)
    assert await store.close_audit_day(CHANNEL, MIDNIGHT + days(1))
    await say(store, 3, day=1)
    await tamper(store, ("UPDATE audit SET actor = 'U0EVE' WHERE seq = 5",))
    assert await store.close_audit_day(CHANNEL, MIDNIGHT + days(2))
    assert await store.close_audit_day(CHANNEL, MIDNIGHT + days(3))
    notes = [anchor.note for name, anchor in (await anchors(store)).items() if "day/" in name]
    assert notes == ["", "row 5 was edited", "row 5 was edited"], "what was wrong still is"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("DELETE FROM audit WHERE seq = 4", "row 4 is missing"),
        ("DELETE FROM audit WHERE seq > 3", "rows 4 to 6 are missing"),
        ("UPDATE audit SET prev = '' WHERE seq = 6", "row 6 does not follow the one before it"),
        ("UPDATE audit_anchors SET seq = 5 WHERE name != 'head'", "the anchor 'day/2026-11-21'"),
    ],
)
async def test_the_head_of_a_day_tells_every_kind_of_change(
    store: Store, change: str, text: str
) -> None:
    await say(store, 3)
    assert await store.close_audit_day(CHANNEL, MIDNIGHT + days(1))
    await say(store, 3, day=1)
    await tamper(store, (change,))
    assert await store.close_audit_day(CHANNEL, MIDNIGHT + days(2))
    day = await store.audit_day((NOW + days(1)).date().isoformat())
    assert day is not None
    assert text in day.note


async def test_a_tail_cut_off_with_the_older_head_put_back_is_told_the_next_day(
    store: Store,
) -> None:
    await say(store, 2)
    older = (await anchors(store))[HEAD]
    await say(store, 3)
    assert await store.close_audit_day(CHANNEL, MIDNIGHT + days(1))
    await tamper(
        store,
        ("DELETE FROM audit WHERE seq > 2",),
        (
            (
                "UPDATE audit_anchors SET seq = ?, mac = ?, at = ?, seal = ?, note = ?"
                " WHERE name = 'head'"
            ),
            older.seq,
            older.mac,
            older.at,
            older.seal,
            older.note,
        ),
    )
    assert await store.close_audit_day(CHANNEL, MIDNIGHT + days(2))
    day = await store.audit_day((NOW + days(1)).date().isoformat())
    assert day is not None
    assert day.note == "rows 3 to 5 were cut off"
    assert "cut off at the end" in await fault(store)


async def test_pruning_keeps_the_proof_of_what_is_left(store: Store) -> None:
    await say(store, 5)
    await say(store, 3, day=10)
    posted = (await trail(store))[6].mac
    assert await store.prune_audit(NOW + days(5), NOW + days(20)) == 5

    rows = await trail(store)
    assert [row.seq for row in rows] == [6, 7, 8, 9]
    assert (rows[-1].kind, rows[-1].detail) == ("pruned", '{"rows":5,"through":5}')
    assert (await anchors(store))[CHECKPOINT].seq == 5
    assert await fault(store) == ""
    assert await fault(store, head=posted) == ""
    assert await store.prune_audit(NOW + days(5), NOW + days(20)) == 0
    assert await store.prune_audit(NOW + days(15), NOW + days(20)) == 3
    assert await fault(store) == ""
    await say(store, 1, day=21)
    assert await fault(store) == ""


async def test_the_last_row_is_never_pruned(store: Store) -> None:
    await say(store, 3)
    assert await store.prune_audit(NOW + days(100), NOW + days(100)) == 2
    assert [row.kind for row in await trail(store)] == ["voted", "pruned"]
    assert await fault(store) == ""


async def test_a_head_posted_of_what_is_pruned_by_now_is_still_known(store: Store) -> None:
    await say(store, 3)
    assert await store.close_audit_day(CHANNEL, MIDNIGHT + days(1))
    await say(store, 3, day=10)
    assert await store.prune_audit(NOW + days(5), NOW + days(20)) == 3
    day = await store.audit_day(TODAY)
    assert day is not None
    assert await fault(store, head=day.mac) == ""


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET at = '2020-01-01T00:00:00.000000Z' WHERE seq <= 3",
        "UPDATE audit SET actor = 'U0EVE' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
    ],
)
async def test_what_was_tampered_with_is_not_forgotten(store: Store, change: str) -> None:
    """Else who gives a row an old date would have the bot itself remove it, and seal that."""
    await say(store, 5)
    await say(store, 2, day=10)
    await tamper(store, (change,))
    before = NOW - days(1) if "at =" in change else NOW + days(5)
    with pytest.raises(StoreError, match=r"is not pruned: row [12]"):
        await store.prune_audit(before, NOW + days(20))
    assert CHECKPOINT not in await anchors(store)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("DELETE FROM audit_anchors WHERE name = 'checkpoint'", "row 1 is missing"),
        ("UPDATE audit_anchors SET seq = 6 WHERE name = 'checkpoint'", "'checkpoint' was edited"),
        ("DELETE FROM audit WHERE seq = 6", "row 6 is missing"),
    ],
)
async def test_who_prunes_by_hand_is_found(store: Store, change: str, text: str) -> None:
    await say(store, 5)
    await say(store, 3, day=10)
    await store.prune_audit(NOW + days(5), NOW + days(20))
    await tamper(store, (change,))
    assert text in await fault(store)


@pytest.mark.sqlite_file
async def test_two_that_prune_at_once_leave_a_whole_chain(storage: Storage) -> None:
    stores = [await storage.open(f"bot-{number}") for number in range(3)]
    await say(stores[0], 10)
    await say(stores[0], 3, day=10)
    pruned = await asyncio.gather(
        *(
            store.prune_audit(NOW + timedelta(seconds=number * 3), NOW + days(20))
            for number, store in enumerate(stores, 1)
        )
    )
    assert sum(pruned) == 9
    assert await fault(stores[0]) == ""
