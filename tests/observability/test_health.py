"""Health: each part with its own state and age."""

import asyncio
from datetime import UTC, datetime, timedelta

from bot.errors import StoreError
from bot.observability import health as module
from bot.observability.health import Health

NOW = datetime(2026, 11, 21, 3, 4, tzinfo=UTC)


class Part:
    def __init__(self):
        self.wrong = None

    async def check(self):
        if self.wrong:
            raise self.wrong


async def test_it_is_ready_only_when_every_part_was_asked_and_is_well():
    health, store = Health(lambda: NOW), Part()
    health.register("store", store.check)
    assert not health.ready, "nobody has been asked yet"
    await health.look()
    assert health.ready
    store.wrong = StoreError("the disk is full")
    await health.look()
    assert not health.ready
    assert health.report()["store"]["reason"] == "the disk is full"


async def test_a_report_says_how_old_it_is():
    now = [NOW]
    health = Health(lambda: now[0])
    health.register("store", Part().check)
    await health.look()
    now[0] += timedelta(seconds=42)
    assert health.report()["store"]["age_seconds"] == 42
    assert health.report()["store"]["checked_at"] == "2026-11-21T03:04:00Z"


async def test_a_part_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.01)
    health = Health(lambda: NOW)

    async def silent():
        await asyncio.Event().wait()

    health.register("gateway", silent)
    await health.look()
    assert "no answer" in health.report()["gateway"]["reason"]


async def test_a_slow_part_does_not_bring_back_what_another_said_before():
    health, store = Health(lambda: NOW), Part()
    asked, answers = asyncio.Event(), asyncio.Event()

    async def slow():
        asked.set()
        await answers.wait()

    health.register("store", store.check)
    health.register("gateway", slow)
    look = asyncio.create_task(health.look())
    await asked.wait()
    store.wrong = StoreError("the disk is full")
    await health.look("store")
    answers.set()
    await look
    assert health.report()["store"]["reason"] == "the disk is full"
    assert not health.ready


async def test_a_part_that_changed_is_asked_at_once_and_no_other_is():
    health, store, changed = Health(lambda: NOW), Part(), asyncio.Event()
    asked = asyncio.Event()
    gateway = Part()

    async def ask_store():
        asked.set()
        await store.check()

    health.register("store", ask_store)
    health.register("gateway", gateway.check)
    await health.look()
    looking = asyncio.create_task(health.look_when(changed, "store"))
    gateway.wrong = StoreError("not asked")
    for wrong, ready in ((StoreError("the disk is full"), False), (None, True)):
        store.wrong = wrong
        asked.clear()
        changed.set()
        async with asyncio.timeout(10):
            await asked.wait()
        await asyncio.sleep(0)  # its answer is noted in the same turn
        assert health.ready is ready
        assert health.report()["store"]["reason"] == str(wrong or "")
        assert health.report()["gateway"]["state"] == "ok"
    looking.cancel()
