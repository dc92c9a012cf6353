"""Slots: a few at once, the most severe first, a bounded queue, and none lost."""

from __future__ import annotations

import asyncio

import pytest

from bot.advice.load.slots import NoSlotError, Slots
from bot.incidents.model import Severity


class Users:
    """Tasks that hold a slot until they are let go, by name, in the order in which they got it."""

    def __init__(self, slots: Slots) -> None:
        self.slots = slots
        self.holding: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    async def start(self, name: str, severity: Severity = Severity.MEDIUM) -> asyncio.Task[None]:
        self._ends[name] = asyncio.Event()
        task = asyncio.create_task(self._hold(name, severity))
        await asyncio.sleep(0)
        return task

    async def end(self, name: str) -> None:
        self._ends[name].set()
        for _ in range(5):
            await asyncio.sleep(0)

    async def _hold(self, name: str, severity: Severity) -> None:
        async with self.slots.acquire(severity):
            self.holding.append(name)
            await self._ends[name].wait()


def users(places: int = 1, waiting: int = 10, timeout: float = 60) -> Users:
    return Users(Slots(places, max_waiting=lambda: waiting, timeout=timeout))


async def test_the_most_severe_is_next_and_among_equals_the_first() -> None:
    at = users()
    await at.start("first")
    order = [("low", Severity.LOW), ("a", Severity.HIGH), ("b", Severity.HIGH)]
    for name, severity in [*order, ("worst", Severity.CRITICAL)]:
        await at.start(name, severity)
    for name in ("first", "worst", "a", "b", "low"):
        assert at.holding[-1] == name
        await at.end(name)
    assert (at.slots.active, at.slots.waiting) == (0, 0)


async def test_a_full_queue_refuses_the_least_severe_that_came_last() -> None:
    at = users(waiting=2)
    await at.start("first")
    waiting = [await at.start(name, Severity.LOW) for name in ("a", "b")]
    with pytest.raises(NoSlotError):
        await (await at.start("c", Severity.LOW))
    await at.start("worst", Severity.CRITICAL)
    with pytest.raises(NoSlotError):
        await waiting[1]
    await at.end("first")
    await at.end("worst")
    assert at.holding == ["first", "worst", "a"]


async def test_who_waits_too_long_is_refused_and_leaves_the_queue() -> None:
    at = users(timeout=0.01)
    await at.start("first")
    with pytest.raises(NoSlotError):
        await (await at.start("second"))
    assert at.slots.waiting == 0
    await at.end("first")
    assert at.slots.active == 0


@pytest.mark.parametrize("got_the_slot", [False, True])
async def test_a_cancelled_task_loses_no_slot(got_the_slot: bool) -> None:
    at = users()
    await at.start("first")
    second = await at.start("second")
    third = await at.start("third")
    if got_the_slot:  # the slot is passed on, and its task is cancelled before it runs
        at._ends["first"].set()
        await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    await at.end("first")
    assert at.holding == ["first", "third"]
    await at.end("third")
    await third
    assert (at.slots.active, at.slots.waiting) == (0, 0)


@pytest.mark.attack("ASI08")
async def test_askers_who_leave_a_full_queue_cost_nobody_a_slot() -> None:
    at = users(waiting=1)
    await at.start("first")
    leaving = await at.start("leaving", Severity.LOW)
    starting = asyncio.create_task(at.start("worst", Severity.CRITICAL))
    await asyncio.sleep(0)  # "worst" is in front of the one that leaves
    leaving.cancel()
    worst = await starting
    await at.end("first")
    await at.end("worst")
    await worst
    assert leaving.cancelled()
    assert at.holding == ["first", "worst"]
    assert (at.slots.active, at.slots.waiting) == (0, 0)
