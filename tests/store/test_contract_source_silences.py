"""Silences shared with a source: read from it, ended with it, written back once."""

from __future__ import annotations

from dataclasses import replace

from store import Store
from tests.helpers.builders import ANA, BEN, alert, deliver, later
from tests.helpers.silences import silence
from tests.helpers.stores import Storage

ORIGIN = "alertmanager/"
THEIRS = replace(silence(f"{ORIGIN}1"), author="")


async def test_a_silence_of_a_source_is_in_force_until_the_source_has_it_no_more(
    store: Store,
) -> None:
    for seconds in range(3):
        assert await store.take_over_silences(ORIGIN, [THEIRS], later(seconds)) == 0
    assert await deliver(store, alert(), at=later(3)) == 0
    longer = replace(THEIRS, ends_at=later(9 * 3600))
    assert await store.take_over_silences(ORIGIN, [longer], later(4)) == 1
    (report,) = await store.silences(later(5))
    assert (report.silence.ends_at, report.suppressed) == (longer.ends_at, 1)
    assert await store.outbox_due("C0OPS", later(5)) == [], "the source has its message"
    mine = await store.silence(silence("mine", service="shop"))
    assert mine.id == 2, "no number is used up"
    assert await store.take_over_silences(ORIGIN, [], later(6)) == 1
    assert [item.silence.id for item in await store.silences(later(7))] == [mine.id]
    assert len(await store.due_after_silences()) == 1


async def test_a_silence_that_the_source_keeps_stays_as_it_is(store: Store) -> None:
    await store.take_over_silences(ORIGIN, [THEIRS], later(1))
    assert await store.take_over_silences(ORIGIN, [], later(2), keep=[THEIRS.origin]) == 0
    (report,) = await store.silences(later(3))
    assert report.silence.ends_at == THEIRS.ends_at
    assert await store.take_over_silences(ORIGIN, [], later(4), keep=[f"{ORIGIN}2"]) == 1
    assert await store.silences(later(5)) == []


async def test_a_silence_of_a_source_that_a_person_ended_here_stays_ended(store: Store) -> None:
    await store.take_over_silences(ORIGIN, [THEIRS], later(1))
    await store.end_silence(1, BEN, later(2))
    await store.take_over_silences(ORIGIN, [replace(THEIRS, ends_at=later(9999))], later(3))
    assert await store.silences(later(4)) == []


async def test_a_silence_of_a_person_is_unwritten_until_the_source_has_it(store: Store) -> None:
    made = await store.silence(silence())
    await store.take_over_silences(ORIGIN, [THEIRS], later(1))
    assert await store.unwritten_silences(later(1)) == [made]
    assert await store.unwritten_silences(made.ends_at) == []
    await store.set_remote_silence(made.id, "2f0c")
    assert await store.unwritten_silences(later(2)) == []
    assert await store.silences_ended_here() == []
    await store.end_silence(made.id, ANA, later(3))
    assert await store.silences_ended_here() == [(made.id, "2f0c")]
    await store.set_remote_silence(made.id, "")
    assert await store.silences_ended_here() == []


async def test_two_replicas_that_read_a_source_at_once_have_each_silence_once(
    storage: Storage,
) -> None:
    first, second = await storage.open("bot-a"), await storage.open("bot-b")
    await first.take_over_silences(ORIGIN, [THEIRS], later(1))
    await second.take_over_silences(ORIGIN, [THEIRS], later(1))
    assert len(await first.silences(later(2))) == 1
