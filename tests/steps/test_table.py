"""The rows of the table run when, where and as they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from types import SimpleNamespace
from typing import cast

import pytest

from bot.observability.health import Health
from bot.observability.metrics import Metrics
from bot.response.reload_notice import ReloadNotice
from bot.response.watchdog import Watchdog
from bot.steps.runner import StepRunner
from bot.steps.step import Pool, Replicas, Step
from bot.steps.table import OtherParts, all_steps
from store import Store, open_store
from store.topics import Topic
from tests.helpers.builders import AUDIT_KEY, NOW, OPS
from tests.helpers.incident_bench import Bench


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    store = await open_store("sqlite://", owner="bot-a", audit_key=AUDIT_KEY)
    yield Bench(store)
    await store.close()


async def nothing() -> None: ...


def table(bench: Bench, health: Health) -> dict[str, Step]:
    parts = (bench.store, Metrics(), bench.clock, OPS)
    watchdog, notice = Watchdog(*parts), ReloadNotice(*parts)
    others = OtherParts(
        health=health,
        watchdog=watchdog,
        reload_notice=notice,
        backfill=nothing,
        refresh_homes=nothing,
        send_digests=nothing,
        outside=(),
    )
    steps = all_steps(bench.service, others, advisors=1, health_interval=10)
    return {step.name: step for step in steps}


async def test_no_two_steps_wait_for_the_same_topic(bench: Bench) -> None:
    topics = [step.topic for step in table(bench, Health(bench.clock)).values() if step.topic]
    assert sorted(topics) == sorted(set(topics)), "one would clear the signal of the other"


async def test_a_change_of_the_store_is_a_check_of_the_store_alone(bench: Bench) -> None:
    health, checked = Health(bench.clock), []
    for part in ("store", "gateway"):

        async def check(part: str = part) -> None:
            checked.append(part)

        health.register(part, check)
    (step,) = (step for step in table(bench, health).values() if step.topic is Topic.STORE)
    await step.run()
    assert checked == ["store"]


class Replica:
    """Claims a name unless another replica has it."""

    def __init__(self, claims: dict[str, Replica]) -> None:
        self._claims = claims

    async def leads(self, name: str, now: datetime) -> bool:
        return self._claims.setdefault(name, self) is self


async def test_a_step_of_one_replica_is_run_by_the_one_that_claimed_it() -> None:
    claims, runs, both_asked = {}, [], asyncio.Event()

    async def run() -> None:
        runs.append("one")

    async def run_on_each() -> None:
        runs.append("each")
        if runs.count("each") == 2:
            both_asked.set()

    steps = (
        Step("shared", run, seconds=3600, replicas=Replicas.ONE),
        Step("own", run_on_each, seconds=3600),
    )
    runners = []
    for _ in range(2):
        store = cast("Store", SimpleNamespace(replica=Replica(claims)))
        runners.append(StepRunner(steps, store, lambda: NOW))
        runners[-1].start_clock()
    async with asyncio.timeout(10):
        await both_asked.wait()
    for runner in runners:
        runner.stop_clock()
    assert sorted(runs) == ["each", "each", "one"]
    assert list(claims) == ["job/shared"]


async def test_a_pool_without_a_topic_is_refused(bench: Bench) -> None:
    pool = Pool(bench.service.advice_queue.claim, bench.service.advice_queue.work, lambda: 1)
    with pytest.raises(TypeError, match="advise"):
        StepRunner([Step("advise", pool, seconds=1)], bench.store, bench.clock).start_clock()
