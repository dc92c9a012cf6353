"""The live state of a DAG: whether it is paused, its runs, their tasks and logs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.gateway.errors import ExecutorError
from bot.gateway.executors.airflow_api import NO_OBJECT, Api, Object, objects
from bot.gateway.executors.airflow_target import AirflowTarget
from bot.gateway.executors.remote import REFUSED, label

ENDED = frozenset({"success", "failed"})
FAILED_TASK = frozenset({"failed", "upstream_failed"})
_ENDED_TASK = frozenset({"success", "failed", "upstream_failed", "skipped", "removed"})
_RECENT = 25
_MOST_TASKS = 1000
_NAMED = 10


@dataclass(frozen=True, slots=True)
class Dag:
    """The DAG as the scheduler sees it. `gone`: its file is not there any more."""

    name: str
    paused: bool
    gone: bool
    broken: bool

    def state(self) -> str:
        """Return the state in words."""
        if self.gone:
            return "not in Airflow's folder any more"
        return ("paused" if self.paused else "active") + (", has import errors" * self.broken)


@dataclass(frozen=True, slots=True)
class Run:
    """One run."""

    id: str
    state: str
    kind: str
    started: str
    ended: str

    def line(self) -> str:
        """Return one line about it."""
        times = f"started {self.started}" if self.started else "not started"
        times += f", ended {self.ended}" if self.ended else ""
        return f"{label(self.id, 250)}: {self.state} ({self.kind}), {times}"


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a run; `index` is -1 unless it is mapped."""

    id: str
    index: int
    state: str
    tries: int

    @property
    def is_failed(self) -> bool:
        """Return True if it failed, or a task before it did."""
        return self.state in FAILED_TASK

    @property
    def has_ended(self) -> bool:
        """Return True if it runs no more in this run."""
        return self.state in _ENDED_TASK

    def line(self) -> str:
        """Return its name, state and tries."""
        mapped = f"[{self.index}]" if self.index >= 0 else ""
        return f"{label(self.id, 250)}{mapped} ({self.state}, try {self.tries})"


class Reader:
    """Reads one DAG over one connection."""

    def __init__(self, api: Api, target: AirflowTarget) -> None:
        self.api = api
        self._target = target

    async def dag(self) -> Dag:
        """Return the DAG. ExecutorError NO_OBJECT: there is none that the login may see."""
        value = await self.api.get(self.api.path())
        if value.get("dag_id") != self._target.dag or not isinstance(value.get("is_paused"), bool):
            raise ExecutorError(NO_OBJECT, f"Airflow gave no DAG {self._target.dag}")
        gone = value.get("is_stale") or value.get("is_active") is False
        broken = bool(value.get("has_import_errors"))
        return Dag(self._target.dag, value["is_paused"], bool(gone), broken)

    async def runs(self, most: int = _RECENT) -> list[Run]:
        """Return the last runs, newest first."""
        order = "-execution_date" if self._target.version == 2 else "-run_after"
        answer = await self.api.get(self.api.path("dagRuns"), limit=most, order_by=order)
        return [_run(item) for item in objects(answer, "dag_runs")]

    async def run(self, run_id: str) -> Run:
        """Return one run. ExecutorError NO_OBJECT: there is none."""
        return _run(await self.api.get(self.api.path("dagRuns", run_id)))

    async def chosen_run(self, run_id: str) -> Run:
        """Return this run, or the newest failed one without an id."""
        if run_id:
            return await self.run(run_id)
        run = await self.newest_failed()
        if run is None:
            raise ExecutorError(NO_OBJECT, self.none_failed)
        return run

    async def newest_failed(self) -> Run | None:
        """Return the newest of the last runs that failed, None if none did."""
        return next((run for run in await self.runs() if run.state == "failed"), None)

    @property
    def none_failed(self) -> str:
        """Return the sentence for a DAG without a failed run."""
        return f"None of the last {_RECENT} runs of {self._target.dag} failed"

    async def tasks(self, run: Run) -> list[Task]:
        """Return the tasks of a run, in the order of their ids."""
        path = self.api.path("dagRuns", run.id, "taskInstances")
        items = await self.api.items(path, "task_instances", _MOST_TASKS)
        return sorted(map(_task, items), key=lambda task: (task.id, task.index))

    async def task_count(self) -> int:
        """Return how many tasks the DAG has."""
        return len(objects(await self.api.get(self.api.path("tasks")), "tasks"))

    async def would_clear(self, run: Run, body: Object) -> set[str]:
        """Return the ids of the tasks that Airflow says it would clear.

        ExecutorError REFUSED: among them is one of another run. Some 3.0 versions clear the tasks
        of every run in place of one without a logical date.
        """
        answer = await self.api.ask(self.api.path("clearTaskInstances"), body | {"dry_run": True})
        items = objects(answer, "task_instances")
        if any(item.get("dag_run_id") != run.id for item in items):
            raise ExecutorError(REFUSED, f"Airflow would clear tasks of other runs than {run.id}")
        if any(item.get("dag_id") != self._target.dag for item in items):
            raise ExecutorError(REFUSED, "Airflow would clear tasks of another DAG too")
        return {str(item.get("task_id")) for item in items}

    async def log(self, run: Run, task: Task, attempt: int, lines: int) -> str:
        """Return the last lines of one try of a task."""
        path = self.api.path("dagRuns", run.id, "taskInstances", task.id, "logs", str(attempt))
        if self._target.version == 2:
            text = await self.api.log(path, "text/plain", map_index=task.index, full_content="true")
        else:
            text = await self.api.log(path, "application/x-ndjson", map_index=task.index)
            text = "\n".join(map(_log_line, text.splitlines()))
        shown = [line for line in text.splitlines() if line.strip()][-lines:]
        return "\n".join(shown) or "no log"


def names_of(tasks: Sequence[Task]) -> str:
    """Return the first ten tasks in words, and how many more there are."""
    more = f" and {len(tasks) - _NAMED} more" if len(tasks) > _NAMED else ""
    return ", ".join(task.line() for task in tasks[:_NAMED]) + more


def _run(item: Object) -> Run:
    def text(name: str) -> str:
        return label(item.get(name) or "")

    return Run(
        str(item.get("dag_run_id") or ""),
        text("state"),
        text("run_type"),
        text("start_date"),
        text("end_date"),
    )


def _task(item: Object) -> Task:
    index, tries = item.get("map_index"), item.get("try_number")
    return Task(
        str(item.get("task_id") or ""),
        index if isinstance(index, int) else -1,
        label(item.get("state") or "not started"),
        tries if isinstance(tries, int) else 0,
    )


def _log_line(text: str) -> str:
    """Return one line of Airflow 3's log for people: time, level, event and the error's text."""
    try:
        entry: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(entry, dict):
        return text
    parts = [str(entry[name]) for name in ("timestamp", "level", "event") if entry.get(name)]
    errors = entry.get("error_detail")
    parts += [
        f"{error.get('exc_type')}: {error.get('exc_value')}"
        for error in (errors if isinstance(errors, list) else ())
        if isinstance(error, dict)
    ]
    return " ".join(parts)
