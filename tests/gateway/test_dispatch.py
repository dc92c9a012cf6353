"""The dispatcher over a scripted executor, for cases that no real executor can produce."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest

from bot.gateway.audit import AuditFile
from bot.gateway.catalogue import Catalogue
from bot.gateway.config import read_config
from bot.gateway.dispatch import Dispatcher
from bot.gateway.execution import Runner
from bot.gateway.executors import Check, Result
from bot.gateway.journal import Journal
from bot.gateway.metrics import Metrics
from bot.remediation.contract import ExecuteRequest, Plan

CATALOGUE = Catalogue(
    read_config({"targets": {"web": {"executor": "process", "argv": ["true"]}}}).targets
)


class ToldExecutor:
    """Runs `what`, and counts its runs."""

    def __init__(self, what, deadline_seconds: int = 5) -> None:
        self._what = what
        self._deadline = deadline_seconds
        self.runs = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def check(self) -> Check:
        return Check(True, "ok")

    async def plan(self, call) -> Plan:
        return Plan(
            action=call.action.id,
            target=call.target,
            executor="process",
            display="do it",
            deadline_seconds=self._deadline,
        )

    async def run(self, call, plan) -> Result:
        self.runs += 1
        return await self._what()


def request(action: str = "service.restart") -> ExecuteRequest:
    return ExecuteRequest.model_validate_json(
        json.dumps(
            {
                "source_id": "s",
                "target_resource": {"name": "web"},
                "action_request": {"action": {"id": action}},
            }
        )
    )


@pytest.fixture
async def journal(tmp_path):
    opened = await Journal.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def dispatcher(journal, clock, tmp_path):
    audit = await AuditFile.open(tmp_path / "audit.jsonl", clock)

    def make(executor: ToldExecutor, concurrent: int = 16) -> Dispatcher:
        runner = Runner(
            executors={"process": executor},
            journal=journal,
            audit=audit,
            metrics=Metrics([]),
            clock=clock,
        )
        return Dispatcher(
            catalogue=CATALOGUE, runner=runner, queue_seconds=0.05, concurrent=concurrent
        )

    yield make
    await audit.close()


async def hang() -> Result:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_change_that_passes_its_deadline_is_an_unknown_outcome(dispatcher):
    executor = ToldExecutor(hang, deadline_seconds=0)
    answer = await dispatcher(executor).execute(request(), key="k", digest="")
    assert answer.overall_status == "INTERNAL_ERROR"
    assert answer.error_details.error_code == "OUTCOME_UNKNOWN"
    assert "did not end in 0 s" in answer.error_details.error_message


async def test_a_read_that_passes_its_deadline_has_just_failed(dispatcher):
    executor = ToldExecutor(hang, deadline_seconds=0)
    answer = await dispatcher(executor).execute(request("service.logs"), key="k", digest="")
    assert answer.overall_status == "COMPLETED_FAILURE"
    assert answer.execution_details.execution_result.status == "TIMEOUT"
    assert answer.execution_details.execution_result.exit_code == -1


async def test_a_full_gateway_refuses_one_more_and_takes_it_once_one_has_ended(dispatcher):
    began, end = asyncio.Event(), asyncio.Event()

    async def wait() -> Result:
        began.set()
        await end.wait()
        return Result("SUCCESS", 0)

    executor = ToldExecutor(wait)
    made = dispatcher(executor, concurrent=1)
    first = asyncio.create_task(made.execute(request("service.status"), key="k1", digest=""))
    await began.wait()
    answer = await made.execute(request("service.logs"), key="k2", digest="")
    assert answer.error_details.error_code == "GATEWAY_BUSY"
    assert "Nothing was run" in answer.error_details.error_message
    assert executor.runs == 1
    end.set()
    assert (await first).overall_status == "COMPLETED_SUCCESS"
    repeated = await made.execute(request("service.logs"), key="k2", digest="")
    assert repeated.overall_status == "COMPLETED_SUCCESS"


async def test_a_fault_of_the_gateway_is_an_unknown_outcome_without_its_inner_text(dispatcher):
    async def fault() -> Result:
        raise RuntimeError("token=hush-hush")

    executor = ToldExecutor(fault)
    made = dispatcher(executor)
    answer = await made.execute(request(), key="k", digest="")
    assert answer.error_details.error_code == "OUTCOME_UNKNOWN"
    assert "hush-hush" not in answer.model_dump_json()
    assert await made.execute(request(), key="k", digest="") == answer
    assert executor.runs == 1


async def test_an_outcome_that_cannot_be_stored_is_returned_once_and_unknown_afterwards(
    dispatcher, tmp_path, journal, clock
):
    async def full() -> Result:
        with sqlite3.connect(tmp_path / "journal.db") as other:
            other.execute(
                "CREATE TRIGGER full BEFORE UPDATE ON executions"
                " BEGIN SELECT RAISE(FAIL, 'disk full'); END"
            )
        other.close()
        return Result("SUCCESS", 0, "done")

    executor = ToldExecutor(full)
    made = dispatcher(executor)
    first = await made.execute(request(), key="k", digest="")
    assert first.overall_status == "COMPLETED_SUCCESS"
    repeat = await made.execute(request(), key="k", digest="")
    assert repeat.error_details.error_code == "OUTCOME_UNKNOWN"
    assert executor.runs == 1


async def test_an_execution_that_outlasts_the_drain_stays_running_in_the_journal(
    dispatcher, journal, clock
):
    began = asyncio.Event()

    async def begin_and_hang() -> Result:
        began.set()
        return await hang()

    made = dispatcher(ToldExecutor(begin_and_hang))
    waiting = asyncio.create_task(made.execute(request(), key="k", digest=""))
    await asyncio.wait_for(began.wait(), 5)
    await made.drain(0.01)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await journal.find("k", "s")).state == "running"
    assert await journal.give_up_running(clock(), lambda row: f'"{row.action}"') == 1
    assert (await journal.find("k", None)).answer == '"service.restart"'


async def test_old_executions_are_pruned_and_running_ones_kept(dispatcher, journal, clock):
    async def done() -> Result:
        return Result("SUCCESS", 0)

    await dispatcher(ToldExecutor(done)).execute(request(), key="k", digest="")
    assert await journal.prune(clock()) == 0
    clock.forward(1)
    assert await journal.prune(clock()) == 1
    assert await journal.find("k", "s") is None
