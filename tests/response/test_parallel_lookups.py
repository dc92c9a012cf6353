"""A gateway or a service that hangs on one answer holds up no look-up and no probe of others."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.approvals.model import Execution
from bot.errors import StoreError
from bot.incidents.remediation import RemediationStatus
from bot.remediation.client import Outcome
from bot.response.parallel import Parallel
from bot.response.verify import Probed
from bot.steps.runner import StepRunner
from bot.steps.step import Step
from store import Store
from tests.helpers.approved_dispatches import approved
from tests.helpers.builders import claim_execution, later
from tests.helpers.incident_bench import Bench, Gateway

DISPATCHING, SUCCEEDED = RemediationStatus.DISPATCHING, RemediationStatus.SUCCEEDED
VERIFIED = RemediationStatus.VERIFIED


class Held:
    """Holds the questions about some, and counts the questions about each."""

    def __init__(self) -> None:
        self.about: set[str] = set()
        self.questions: list[str] = []
        self.go = asyncio.Event()
        self.question_arrived = asyncio.Condition()

    async def question(self, about: str) -> None:
        async with self.question_arrived:
            self.questions.append(about)
            self.question_arrived.notify_all()
        if about in self.about:
            await self.go.wait()

    async def has(self, about: str) -> None:
        async with asyncio.timeout(10), self.question_arrived:
            await self.question_arrived.wait_for(lambda: about in self.questions)


class HangingGateway(Gateway):
    """Every execution succeeded; it hangs when it is asked about some."""

    def __init__(self) -> None:
        super().__init__()
        self.held = Held()

    async def lookup(self, key: str, *, tracking_id: str = "", bar: bool = False) -> object:
        await self.held.question(key)
        return Outcome(state="succeeded", overall_status="COMPLETED_SUCCESS")


@pytest.fixture
def gateway() -> HangingGateway:
    return HangingGateway()


async def claimed(bench: Bench, store: Store, count: int) -> list[str]:
    """So many executions that `store`'s owner claimed; their ids, oldest first."""
    await approved(bench, *(f"target-{number}" for number in range(count)))
    executions = [await claim_execution(store, later(3)) for _ in range(count)]
    return [execution.id for execution in executions if execution is not None]


async def states(bench: Bench, ids: list[str]) -> list[RemediationStatus]:
    return [(await bench.store.execution(execution_id)).state for execution_id in ids]


@pytest.mark.parametrize("job", ["recover", "look_up_unknown"])
async def test_one_look_up_that_hangs_holds_up_neither_the_others_nor_the_next_round(
    bench: Bench, job: str
) -> None:
    ids = await claimed(bench, bench.dead if job == "recover" else bench.store, 4)
    held, work = bench.gateway.held, getattr(bench.service.dispatches, job)
    held.about = {(await bench.store.execution(ids[0])).key}
    bench.now = later(400)  # nobody ever finished them
    looking = asyncio.create_task(work())
    for execution_id in ids:
        await held.has((await bench.store.execution(execution_id)).key)
    bench.now = later(460)  # by its time alone the one that hangs is due again
    async with asyncio.timeout(10):
        while await states(bench, ids) != [DISPATCHING, *[SUCCEEDED] * 3]:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await work()
    held.go.set()
    await looking
    assert await states(bench, ids) == [SUCCEEDED] * 4
    assert len(held.questions) == 4, "the one that hung was asked about once"


async def test_one_probe_that_hangs_holds_up_no_other(bench: Bench) -> None:
    ids = await claimed(bench, bench.store, 3)
    for execution_id in ids:
        execution = await bench.store.execution(execution_id)
        await bench.store.finish_execution(
            execution,
            SUCCEEDED,
            answer={},
            error="",
            now=later(5),
            verify_until=later(900),
        )
    dispatches, held = bench.service.dispatches, Held()
    held.about = {"http://target-0/health"}

    async def probe(url: str) -> Probed:
        await held.question(url)
        return Probed(good=True, note="200")

    dispatches._probe = probe
    verifying = asyncio.create_task(dispatches.verify_due())
    for number in range(3):
        await held.has(f"http://target-{number}/health")
    async with asyncio.timeout(10):  # each needs some good probes in a row
        while await states(bench, ids) != [SUCCEEDED, VERIFIED, VERIFIED]:
            await dispatches.verify_due()
    held.go.set()
    await verifying
    assert held.questions.count("http://target-0/health") == 1


def an_execution(execution: Execution, number: int) -> Execution:
    return replace(execution, id=f"exec-{number}")


@pytest.fixture
async def four(bench: Bench) -> list[Execution]:
    (execution_id,) = await claimed(bench, bench.store, 1)
    execution = await bench.store.execution(execution_id)
    return [an_execution(execution, number) for number in range(4)]


async def test_no_more_are_worked_on_at_a_time_than_the_limit_of_now(
    four: list[Execution],
) -> None:
    now, most, done = 0, 0, []

    async def work(execution: Execution) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        done.append(execution.id)

    await Parallel("test", lambda: 2).each(four, work)
    assert (most, sorted(done)) == (2, [execution.id for execution in four])


async def test_one_that_fails_stops_no_other_and_its_error_is_raised(
    four: list[Execution],
) -> None:
    done = []

    async def work(execution: Execution) -> None:
        if execution.id == "exec-0":
            raise StoreError("The disk is full.")
        done.append(execution.id)

    parallel = Parallel("test", lambda: 1)
    with pytest.raises(StoreError, match="disk is full"):
        await parallel.each(four, work)
    assert len(done) == 3
    with pytest.raises(StoreError):  # it is tried again by the next round
        await parallel.each(four, work)


async def test_a_step_that_overlaps_runs_again_while_an_earlier_run_waits(bench: Bench) -> None:
    runs, third, never = 0, asyncio.Event(), asyncio.Event()

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs == 3:
            third.set()
        await never.wait()

    runner = StepRunner([Step("test", run, seconds=0.01, overlaps=True)], bench.store, bench.clock)
    runner.start_clock()
    try:
        async with asyncio.timeout(10):
            await third.wait()
    finally:
        runner.stop_clock()
