"""The health report has the state and age of each part."""

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


async def test_the_bot_is_ready_only_when_every_part_was_asked_and_is_healthy():
    health, store = Health(lambda: NOW), Part()
    health.register("store", store.check)
    assert not health.ready, "nobody has been asked yet"
    await health.check()
    assert health.ready
    store.wrong = StoreError("the disk is full")
    await health.check()
    assert not health.ready
    assert health.report()["store"]["reason"] == "the disk is full"


async def test_a_report_says_how_old_it_is():
    now = [NOW]
    health = Health(lambda: now[0])
    health.register("store", Part().check)
    await health.check()
    now[0] += timedelta(seconds=42)
    assert health.report()["store"]["age_seconds"] == 42
    assert health.report()["store"]["checked_at"] == "2026-11-21T03:04:00Z"


async def test_a_part_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.01)
    health = Health(lambda: NOW)

    async def silent():
        await asyncio.Event().wait()

    health.register("gateway", silent)
    await health.check()
    assert "no answer" in health.report()["gateway"]["reason"]


async def test_a_slow_part_does_not_restore_an_older_report_of_another():
    health, store = Health(lambda: NOW), Part()
    called, answers = asyncio.Event(), asyncio.Event()

    async def slow():
        called.set()
        await answers.wait()

    health.register("store", store.check)
    health.register("gateway", slow)
    check = asyncio.create_task(health.check())
    await called.wait()
    store.wrong = StoreError("the disk is full")
    await health.check("store")
    answers.set()
    await check
    assert health.report()["store"]["reason"] == "the disk is full"
    assert not health.ready
