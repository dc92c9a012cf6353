"""A slow dispatch delays only its own target, and slow advice delays no proposal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from bot.incidents.remediation import RemediationStatus
from bot.remediation.client import Outcome
from bot.steps.runner import StepRunner
from bot.steps.step import Pool, Step
from store.topics import Topic
from tests.helpers.approved_dispatches import approved
from tests.helpers.builders import (
    claim_execution,
)
from tests.helpers.incident_bench import Bench, Gateway


class HeldGateway(Gateway):
    """Answers nothing until it is let go; tells how many requests it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.held = asyncio.Condition()
        self.most = self.holds = 0

    async def execute(self, call: object, *, key: str, digest: str | None) -> Outcome:
        async with self.held:
            self.sent.append(key)
            self.holds += 1
            self.most = max(self.most, self.holds)
            self.held.notify_all()
        await self.go.wait()
        self.holds -= 1
        return Outcome(state="succeeded", overall_status="SUCCESS")

    async def has(self, count: int) -> None:
        async with asyncio.timeout(10), self.held:
            await self.held.wait_for(lambda: len(self.sent) >= count)


@pytest.fixture
def gateway() -> HeldGateway:
    return HeldGateway()


def running(bench: Bench, at_once: int = 8) -> StepRunner:
    dispatches = bench.service.dispatches
    pool = Pool(dispatches.claim, dispatches.send, lambda: at_once)
    runner = StepRunner([Step("dispatch", pool, Topic.DISPATCH)], bench.store, bench.clock)
    runner.start()
    return runner


async def test_three_targets_are_acted_on_at_once_behind_a_gateway_that_answers_none(
    bench: Bench,
) -> None:
    keys = await approved(bench, "web", "db", "cache")
    runner = running(bench)
    await bench.gateway.has(3)  # though none of them has ended
    assert sorted(bench.gateway.sent) == sorted(keys)
    bench.gateway.go.set()
    await runner.stop(10)


async def test_on_one_target_the_next_one_is_sent_when_the_one_before_it_ended(
    bench: Bench,
) -> None:
    first, second, elsewhere = await approved(bench, "web", "web", "db")
    runner = running(bench)
    await bench.gateway.has(2)
    assert sorted(bench.gateway.sent) == sorted([first, elsewhere])
    assert (await bench.store.execution(second)).state is RemediationStatus.APPROVED
    bench.gateway.go.set()
    await bench.gateway.has(3)
    assert bench.gateway.sent[2] == second
    await runner.stop(10)


async def test_no_more_are_sent_at_once_than_the_policy_allows(bench: Bench) -> None:
    await approved(bench, *(f"web-{number}" for number in range(5)))
    runner = running(bench, at_once=2)
    await bench.gateway.has(2)
    assert await claim_execution(bench.store, bench.now) is not None, "others wait in the store"
    bench.gateway.go.set()
    await bench.gateway.has(4)
    assert bench.gateway.most == 2
    await runner.stop(10)


async def test_what_was_claimed_is_finished_when_the_bot_stops(bench: Bench) -> None:
    (key,) = await approved(bench, "web")
    runner = running(bench)
    await bench.gateway.has(1)
    stopping = asyncio.create_task(runner.stop(10))
    await asyncio.sleep(0)
    bench.gateway.go.set()
    await stopping
    assert (await bench.store.execution(key)).state is RemediationStatus.SUCCEEDED


@dataclass
class Job:
    id: int


async def test_a_worker_that_fails_leaves_the_others_at_work(bench: Bench) -> None:
    jobs, done, all_done = [1, 2, 3], [], asyncio.Event()

    async def claim() -> Job | None:
        return Job(jobs.pop(0)) if jobs else None

    async def work(job: Job) -> None:
        if job.id == 1:
            raise ValueError("a fault of ours")
        done.append(job.id)
        if len(done) == 2:
            all_done.set()

    step = Step("test", Pool(claim, work, lambda: 1), Topic.DISPATCH)
    runner = StepRunner([step], bench.store, bench.clock)
    runner.start()
    async with asyncio.timeout(10):
        await all_done.wait()
    await runner.stop(10)
    assert done == [2, 3]
