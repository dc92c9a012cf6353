"""The exact change of a DAG: what is sent, what it touches, and on which state it relies."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from bot.gateway.errors import ExecutorError
from bot.gateway.executors import Call
from bot.gateway.executors.airflow_api import NO_OBJECT, Method, Object
from bot.gateway.executors.airflow_dag import Dag, Reader, Run, Task, names_of
from bot.gateway.executors.airflow_target import (
    CLEAR_TASK,
    PAUSE,
    TRIGGER,
    UNPAUSE,
    AirflowTarget,
)
from bot.gateway.executors.declared_values import declared_values
from bot.gateway.executors.remote import REFUSED, TOO_MUCH

_NEW_RUN = "sopbot__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One request. `run_id` is the run that is awaited after it, '' if none is.

    `binding` is the state on which the approval relies, `done` tells that it was so already.
    `cleared` are the tasks of an existing run that run again.
    """

    method: Method
    path: str
    body: Object
    binding: dict[str, JsonValue]
    touches: str
    run_id: str = ""
    update_mask: str = ""
    done: str = ""
    cleared: tuple[Task, ...] = ()

    @property
    def shown_path(self) -> str:
        """Return the path with its query."""
        return f"{self.path}?update_mask={self.update_mask}" if self.update_mask else self.path


async def change_of(call: Call, target: AirflowTarget, reader: Reader, dag: Dag) -> Change:
    """Return the change that this call means for this state. ExecutorError refuses it."""
    if dag.gone:
        raise ExecutorError(NO_OBJECT, f"{target.dag} is {dag.state()}")
    if call.action in (PAUSE, UNPAUSE):
        return await _switch(call, reader, dag)
    if dag.paused:
        raise ExecutorError(
            REFUSED, f"{target.dag} is paused: nothing of it would run. Unpause it first"
        )
    if call.action is TRIGGER:
        return await _new_run(call, target, reader)
    return await _clearing(call, target, reader)


def run_id_of(key: str) -> str:
    """Return the id of the run that this execution makes: the same one for the same key.

    Without a key it is the words that stand for it in a plan.
    """
    if not key:
        return f"{_NEW_RUN}<from the key of the request>"
    return _NEW_RUN + hashlib.sha256(key.encode()).hexdigest()[:32]


async def _switch(call: Call, reader: Reader, dag: Dag) -> Change:
    pause = call.action is PAUSE
    running = sum(run.state in ("running", "queued") for run in await reader.runs())
    return Change(
        method="PATCH",
        path=reader.api.path(),
        update_mask="is_paused",
        body={"is_paused": pause},
        binding={"paused": dag.paused},
        touches=f"DAG {dag.name}: {dag.state()}, {running} of its last runs go on",
        done=f"{dag.name} was {dag.state()} already" if dag.paused == pause else "",
    )


async def _new_run(call: Call, target: AirflowTarget, reader: Reader) -> Change:
    pairs = filter(None, str(call.parameters["conf"]).split(","))
    conf = declared_values(target.conf, pairs, "conf")
    body: Object = {"dag_run_id": run_id_of(call.key), "conf": conf}
    if target.version == 3:
        body["logical_date"] = None  # has to be there
    tasks = await reader.task_count()
    return Change(
        method="POST",
        path=reader.api.path("dagRuns"),
        body=body,
        binding={"paused": False, "tasks": tasks, "conf": body["conf"]},
        touches=f"a new run of {target.dag}: {tasks} tasks",
        run_id=body["dag_run_id"],
    )


async def _clearing(call: Call, target: AirflowTarget, reader: Reader) -> Change:
    run = await reader.chosen_run(str(call.parameters["run"]))
    only_failed = bool(call.parameters.get("only_failed", True))
    body: Object = {
        "dry_run": False,
        "dag_run_id": run.id,
        "only_failed": only_failed,
        "reset_dag_runs": True,
        "include_upstream": False,
        "include_future": False,
        "include_past": False,
    }
    task_id = str(call.parameters["task"]) if call.action is CLEAR_TASK else ""
    if task_id:
        body |= {"task_ids": [task_id], "include_downstream": True}
    ids = await reader.would_clear(run, body)
    tasks = [
        task
        for task in await reader.tasks(run)
        if task.id in ids and (task.is_failed or not only_failed)
    ]
    _check(target, run, task_id, tasks)
    return Change(
        method="POST",
        path=reader.api.path("clearTaskInstances"),
        body=body,
        binding={"run": run.id, "state": run.state, "tasks": [task.line() for task in tasks]},
        touches=f"{len(tasks)} tasks of run {run.id}: {names_of(tasks)}",
        run_id=run.id,
        cleared=tuple(tasks),
    )


def _check(target: AirflowTarget, run: Run, task_id: str, tasks: Sequence[Task]) -> None:
    """Refuse a clearing of nothing, of another task than the named one, or of too many."""
    if not tasks or (task_id and not any(task.id == task_id for task in tasks)):
        what = f"task {task_id} that failed" if task_id else "task to clear"
        raise ExecutorError(NO_OBJECT, f"Run {run.id} of {target.dag} has no {what}")
    if len(tasks) > target.max_tasks:
        raise ExecutorError(
            TOO_MUCH, f"{len(tasks)} tasks would run again; the target allows {target.max_tasks}"
        )
