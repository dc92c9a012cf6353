"""One DAG of Apache Airflow 2 or 3: status, logs, a new run, failed tasks again, pause."""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from typing import cast

from bot.gateway import actions
from bot.gateway.errors import Cancelled, ExecutorError, OutcomeLost, by_a_person
from bot.gateway.executors import Call, Kind, Result, failed, succeeded
from bot.gateway.executors.airflow_api import CONFLICT, NO_OBJECT, Api, connected
from bot.gateway.executors.airflow_change import Change, change_of
from bot.gateway.executors.airflow_dag import ENDED, Reader, Run, Task, names_of
from bot.gateway.executors.airflow_target import (
    CLEAR_RUN,
    CLEAR_TASK,
    PAUSE,
    RUNS,
    TASK_LOG,
    TRIGGER,
    UNPAUSE,
    AirflowTarget,
)
from bot.gateway.executors.progress import report_progress
from bot.gateway.executors.remote import RemoteExecutor
from bot.gateway.executors.watching import read_until
from bot.remediation.contract import Plan, PlannedRequest

_POLL_SECONDS = 0.5
_STATUS_RUNS = 5
_SLACK_SECONDS = 15


class AirflowExecutor(RemoteExecutor[AirflowTarget]):
    """Acts only on the declared DAG of each target."""

    async def probe(self, name: str, target: AirflowTarget) -> str:
        """Read the DAG."""
        async with self._connected(name, target) as api:
            return f"DAG {target.dag} is {(await Reader(api, target).dag()).state()}"

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the DAG's state, and to each task that would run again.

        Airflow checks a clearing by a dry run.
        """
        target = cast("AirflowTarget", call.config)
        async with self._connected(call.target, target) as api:
            reader = Reader(api, target)
            dag = await reader.dag()
            base = Plan(
                action=call.action.id,
                target=call.target,
                executor="airflow",
                parameters=dict(call.parameters),
                display=f"GET {target.url}{api.path()}",
                request=PlannedRequest(method="GET", path=api.path()),
                mutating=call.action.mutating,
                deadline_seconds=int(6 * target.timeout_seconds) + _SLACK_SECONDS,
            )
            if not call.action.mutating:
                return base
            change = await change_of(call, target, reader, dag)
            last = [run.line() for run in await reader.runs(_STATUS_RUNS)]
        wait = target.wait_seconds if change.run_id else 0
        then = f"wait up to {wait:g} s until the run has ended" if wait else "read the DAG again"
        return base.model_copy(
            update={
                "display": f"{change.method} {target.url}{change.shown_path}",
                "request": PlannedRequest(method=change.method, path=change.shown_path),
                "steps": (f"send {json.dumps(change.body)}", then),
                "binding": {"url": target.url, "dag": target.dag, **change.binding},
                "touches": (change.touches,),
                "current": {"dag": dag.state(), "runs": last},
                "deadline_seconds": base.deadline_seconds + int(wait),
            }
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Send the planned change if the state is still the planned one, then await its run."""
        target = cast("AirflowTarget", call.config)
        async with self._connected(call.target, target) as api:
            reader = Reader(api, target)
            if not call.action.mutating:
                return await _read(call, reader)
            change = await change_of(call, target, reader, await reader.dag())
            if any(plan.binding.get(name) != value for name, value in change.binding.items()):
                raise ExecutorError("PLAN_DRIFT", f"{target.dag} has changed since the plan")
            if change.done:
                return succeeded(change.done)
            try:
                await _send(reader, change, call)
                return await _reached(call, target, reader, change)
            except asyncio.CancelledError as error:
                if not by_a_person(error) or not change.run_id:
                    raise
                raise await _ended_early(reader, target, change) from error

    def _connected(self, name: str, target: AirflowTarget) -> AbstractAsyncContextManager[Api]:
        return connected(target, password=self.secret(name), token=self.secret(name, "token"))


async def _send(reader: Reader, change: Change, call: Call) -> None:
    """Send the change. A run whose answer was lost is there, or not known to be there."""
    try:
        if change.update_mask:
            await reader.api.change(
                change.method, change.path, change.body, update_mask=change.update_mask
            )
        else:
            await reader.api.change(change.method, change.path, change.body)
    except (OutcomeLost, ExecutorError) as error:
        unsure = isinstance(error, OutcomeLost) or error.code == CONFLICT
        if call.action is not TRIGGER or not unsure:
            raise
        try:
            await reader.run(change.run_id)
        except ExecutorError:
            raise error from None


async def _reached(call: Call, target: AirflowTarget, reader: Reader, change: Change) -> Result:
    try:
        if change.run_id:
            return await _awaited(call, target, reader, change.run_id)
        return await _switched(call, reader)
    except ExecutorError as error:
        raise OutcomeLost(
            f"{call.target} was told to {call.action.verb}, then: {error.message}"
        ) from error


async def _awaited(call: Call, target: AirflowTarget, reader: Reader, run_id: str) -> Result:
    """Wait until the run has ended. Airflow may be away meanwhile."""
    loop = asyncio.get_running_loop()
    end = loop.time() + target.wait_seconds

    async def read() -> tuple[Run, list[Task]]:
        run = await reader.run(run_id)
        return run, await reader.tasks(run)

    while True:
        run, tasks = await read_until(end, _POLL_SECONDS, read)
        done = sum(task.has_ended for task in tasks)
        line = f"{call.target}: run {run_id}: {run.state}, {done} of {len(tasks)} tasks ended"
        if run.state in ENDED:
            return _result(run, tasks, line)
        if loop.time() >= end:
            return failed(f"{line}. It goes on; not done after {target.wait_seconds:g} s")
        report_progress(
            f"run {run.state}, {done} of {len(tasks)} tasks ended", done=done, total=len(tasks)
        )
        await asyncio.sleep(_POLL_SECONDS)


def _result(run: Run, tasks: list[Task], line: str) -> Result:
    if run.state == "success":
        return succeeded(line)
    return failed(f"{line}. Failed: {names_of([task for task in tasks if task.is_failed])}")


async def _switched(call: Call, reader: Reader) -> Result:
    dag = await reader.dag()
    line = f"{call.target} is {dag.state()}"
    return succeeded(line) if dag.paused == (call.action is PAUSE) else failed(line)


async def _ended_early(reader: Reader, target: AirflowTarget, change: Change) -> Cancelled:
    """End what this execution began, and return the error that tells it.

    A run that it made is marked failed, which ends its tasks. Of a run that was there before only
    the tasks that it cleared are: the others are somebody else's work.
    """
    run_id = change.run_id
    try:
        if change.cleared:
            return Cancelled(await _tasks_ended(reader, target, change))
        await reader.api.change("PATCH", reader.api.path("dagRuns", run_id), {"state": "failed"})
        run = await reader.run(run_id)
        tasks = await reader.tasks(run)
    except ExecutorError as error:
        raise OutcomeLost(f"Run {run_id} was not ended: {error.message}") from error
    done = sum(task.state == "success" for task in tasks)
    return Cancelled(f"Run {run_id} is {run.state}; {done} of {len(tasks)} tasks had succeeded")


async def _tasks_ended(reader: Reader, target: AirflowTarget, change: Change) -> str:
    """Mark failed what was cleared and has not ended yet; return what was done."""
    cleared = {(task.id, task.index) for task in change.cleared}
    tasks = [
        task
        for task in await reader.tasks(await reader.run(change.run_id))
        if (task.id, task.index) in cleared
    ]
    body: dict[str, object] = {"new_state": "failed"}
    if target.version == 2:
        body["dry_run"] = False
    going = [task for task in tasks if not task.has_ended]
    for task in going:
        mapped = [str(task.index)] if task.index >= 0 else []
        path = reader.api.path("dagRuns", change.run_id, "taskInstances", task.id, *mapped)
        await reader.api.change("PATCH", path, body)
    return (
        f"{len(going)} of {len(cleared)} cleared tasks were marked failed: {names_of(going)}. "
        f"The other tasks of run {change.run_id} go on"
    )


async def _read(call: Call, reader: Reader) -> Result:
    if call.action is RUNS:
        runs = await reader.runs(int(call.parameters["runs"]))
        return succeeded("\n".join(run.line() for run in runs) or "no run")
    if call.action is actions.LOGS:
        return await _last_failure(call, reader)
    if call.action is TASK_LOG:
        return await _task_log(call, reader)
    dag, runs = await reader.dag(), await reader.runs(_STATUS_RUNS)
    lines = [f"{call.target}: DAG {dag.name} is {dag.state()}", *[run.line() for run in runs]]
    for run in [run for run in runs if run.state == "failed"][:1]:
        broken = [task for task in await reader.tasks(run) if task.is_failed]
        lines.append(f"failed in {run.id}: {names_of(broken) or 'no task'}")
    return succeeded("\n".join(lines))


async def _last_failure(call: Call, reader: Reader) -> Result:
    """Show the log of the task that failed in the newest failed run."""
    run = await reader.newest_failed()
    if run is None:
        return succeeded(reader.none_failed)
    tasks = [task for task in await reader.tasks(run) if task.state == "failed"]
    if not tasks:
        return succeeded(f"No task of run {run.id} failed")
    return await _shown(call, reader, run, tasks[0], tasks[0].tries)


async def _task_log(call: Call, reader: Reader) -> Result:
    run = await reader.chosen_run(str(call.parameters["run"]))
    named = str(call.parameters["task"]), int(call.parameters["index"])
    for task in await reader.tasks(run):
        if (task.id, task.index) == named:
            attempt = int(call.parameters["attempt"]) or task.tries
            return await _shown(call, reader, run, task, attempt)
    raise ExecutorError(NO_OBJECT, f"Run {run.id} has no such task: {named[0]}")


async def _shown(call: Call, reader: Reader, run: Run, task: Task, attempt: int) -> Result:
    text = await reader.log(run, task, max(1, attempt), int(call.parameters["lines"]))
    return succeeded(f"{task.line()} of {run.id}, try {attempt}:\n{text}", tail=True)


KIND = Kind(
    name="airflow",
    target=AirflowTarget,
    actions=(
        TRIGGER,
        CLEAR_TASK,
        CLEAR_RUN,
        PAUSE,
        UNPAUSE,
        actions.STATUS,
        actions.LOGS,
        RUNS,
        TASK_LOG,
    ),
    build=AirflowExecutor,
)
