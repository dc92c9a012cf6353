"""A stand-in for Apache Airflow 2 or 3: an HTTP server of its REST API whose scheduler works.

It is written from the API documents of 2.10 (/api/v1) and 3.1 (/api/v2, /auth/token), and compared
with both by tests/gateway/test_real_airflow.py. Each look at a run takes it one step further.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web

Object = dict[str, Any]
USER, PASSWORD = "sopbot", "the-gateways-own-password"
DAG, SLOW, WIDE = "etl_daily", "slow_one", "wide_one"
TASKS = {DAG: ("extract", "load", "report"), SLOW: ("sleep",), WIDE: ("sleep", "extract")}
_JWT = "jwt.of-the-gateway.signed"
_FAILED = ("failed", "upstream_failed")
_RUN_ID = re.compile(r"[A-Za-z0-9_.~:+-]+")


class ProblemError(Exception):
    def __init__(self, status: int, detail: str) -> None:
        self.status, self.detail = status, detail


@dataclass
class Airflow:
    """Its DAGs and their runs, what was sent, and how its parts behave.

    While `broken`, the task `load` fails. `may_change`: the login's role allows a change. With
    `clears_every_run` it has the fault of 3.0 with runs that have no logical date.
    """

    version: int
    url: str = ""
    broken: bool = False
    stopped: bool = False
    may_change: bool = True
    clears_every_run: bool = False
    log_lines: int = 3
    paused: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(TASKS, False))
    gone: set[str] = field(default_factory=set)
    runs: dict[str, dict[str, Object]] = field(default_factory=lambda: {dag: {} for dag in TASKS})
    changes: list[tuple[str, str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    hang: str = ""
    lose_answer_of: str = ""
    garble_answer_of: str = ""
    garbage: bytes = b"<html>done</html>"
    just_before_a_change: Callable[[], object] = lambda: None

    def add_run(self, dag: str, run_id: str, conf: Object | None = None) -> Object:
        """Make a run, as the scheduler or a person would."""
        tasks = {task: {"state": None, "try_number": 0} for task in TASKS[dag]}
        number = f"2026-11-27T10:{len(self.runs[dag]):02}:00Z"
        made = {"state": "queued", "tasks": tasks, "conf": conf or {}, "at": number}
        self.runs[dag][run_id] = made
        return made

    def finish(self, dag: str, run_id: str) -> Object:
        """Let a run come to its end."""
        while self.runs[dag][run_id]["state"] in ("queued", "running"):
            self.step(dag, self.runs[dag][run_id])
        return self.runs[dag][run_id]

    def step(self, dag: str, run: Object) -> None:
        """Take one run one step further."""
        if self.stopped or self.paused[dag] or run["state"] not in ("queued", "running"):
            return
        run["state"] = "running"
        for name, task in run["tasks"].items():
            if task["state"] == "running":
                if name == "sleep":
                    return
                task["state"] = "failed" if self.broken and name == "load" else "success"
                return
            if task["state"] is None:
                if any(t["state"] in _FAILED for t in run["tasks"].values()):
                    task["state"] = "upstream_failed"
                    continue
                task |= {"state": "running", "try_number": task["try_number"] + 1}
                return
        bad = any(task["state"] in _FAILED for task in run["tasks"].values())
        run["state"] = "failed" if bad else "success"

    def task_log(self, task: str, attempt: int) -> list[str]:
        end = "the warehouse is not there" if self.broken else "done"
        return [*[f"line {n} of {task}" for n in range(self.log_lines)], f"try {attempt}: {end}"]


async def _answer(airflow: Airflow, request: web.Request) -> web.StreamResponse:
    raw = request.raw_path
    airflow.requests.append(f"{request.method} {raw}")
    path = raw.partition("?")[0]
    if airflow.hang and airflow.hang in raw:
        await asyncio.sleep(3600)
    body = json.loads(await request.read() or b"null")
    try:
        if path == "/auth/token" and airflow.version == 3:
            if body != {"username": USER, "password": PASSWORD}:
                raise ProblemError(401, "Invalid credentials")
            return web.json_response({"access_token": _JWT}, status=201)
        base = f"/api/v{airflow.version - 1}/"
        if not path.startswith(base):
            raise ProblemError(404, "API route not found")
        _login(airflow, request)
        # Airflow's own router matches the decoded path: a slash within an id is a step.
        parts = unquote(path.removeprefix(base)).split("/")
        answer = _route(airflow, request, parts, body)
    except ProblemError as error:
        return web.json_response({"detail": error.detail}, status=error.status)
    if airflow.lose_answer_of == f"{request.method} {path.rpartition('/')[2]}":
        airflow.lose_answer_of = ""
        assert request.transport is not None
        request.transport.abort()
    if airflow.garble_answer_of == f"{request.method} {path.rpartition('/')[2]}":
        return web.Response(body=airflow.garbage)
    return answer if isinstance(answer, web.Response) else web.json_response(answer)


def _login(airflow: Airflow, request: web.Request) -> None:
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    expected = f"Basic {basic}" if airflow.version == 2 else f"Bearer {_JWT}"
    if request.headers.get("Authorization") != expected:
        raise ProblemError(401, "Not authenticated")


def _route(airflow: Airflow, request: web.Request, parts: list[str], body: Any) -> Any:
    if parts[0] != "dags" or len(parts) < 2:
        raise ProblemError(404, "API route not found")
    dag, rest = parts[1], parts[2:]
    if dag not in airflow.runs:
        raise ProblemError(404, f"The Dag with ID: `{dag}` was not found")
    match (request.method, rest):
        case ("GET", []):
            return _dag(airflow, dag)
        case ("PATCH", []):
            _change(airflow, request, body)
            assert request.query["update_mask"] == "is_paused"
            airflow.paused[dag] = body["is_paused"]
            return _dag(airflow, dag)
        case ("GET", ["tasks"]):
            return {"tasks": [{"task_id": task} for task in TASKS[dag]]}
        case ("GET", ["dagRuns"]):
            return _runs(airflow, request, dag)
        case ("POST", ["dagRuns"]):
            return _trigger(airflow, request, dag, body)
        case ("POST", ["clearTaskInstances"]):
            return _clear(airflow, request, dag, body)
        case (_, ["dagRuns", run_id, *more]):
            return _of_run(airflow, request, dag, run_id, more, body)
    raise ProblemError(405, "Method Not Allowed")


def _of_run(
    airflow: Airflow, request: web.Request, dag: str, run_id: str, more: list[str], body: Any
) -> Any:
    run = airflow.runs[dag].get(run_id)
    if run is None:
        raise ProblemError(404, f"The DagRun with ID: `{run_id}` was not found")
    match (request.method, more):
        case ("GET", []):
            airflow.step(dag, run)
            return _run(dag, run_id, run)
        case ("PATCH", []):
            _change(airflow, request, body)
            run["state"] = body["state"]
            for task in run["tasks"].values():
                if task["state"] in (None, "running"):
                    task["state"] = "failed" if task["state"] else "skipped"
            return _run(dag, run_id, run)
        case ("GET", ["taskInstances"]):
            items = [_task(dag, run_id, name, task) for name, task in run["tasks"].items()]
            first = int(request.query.get("offset", 0))
            limit = min(int(request.query["limit"]), 2)  # a server may give less than was asked
            return {"task_instances": items[first : first + limit], "total_entries": len(items)}
        case ("PATCH", ["taskInstances", task]) if task in run["tasks"]:
            _change(airflow, request, body)
            fixed = {"new_state": "failed"} | ({"dry_run": False} if airflow.version == 2 else {})
            assert body == fixed, "2 only pretends unless it is told not to; 3 takes no other key"
            run["tasks"][task]["state"] = "failed"
            return _task(dag, run_id, task, run["tasks"][task])
        case ("GET", ["taskInstances", task, "logs", attempt]) if task in run["tasks"]:
            return _log(airflow, request, airflow.task_log(task, int(attempt)))
    raise ProblemError(404, "TaskInstance not found")


def _change(airflow: Airflow, request: web.Request, body: Any) -> None:
    if not airflow.may_change:
        raise ProblemError(403, "Forbidden")
    airflow.just_before_a_change()
    airflow.changes.append((request.method, request.raw_path, body))


def _dag(airflow: Airflow, dag: str) -> Object:
    gone = dag in airflow.gone
    seen = {"is_active": not gone} if airflow.version == 2 else {"is_stale": gone}
    paused = airflow.paused[dag]
    return {"dag_id": dag, "is_paused": paused, "has_import_errors": False, **seen}


def _runs(airflow: Airflow, request: web.Request, dag: str) -> Object:
    assert request.query["order_by"] == (
        "-execution_date" if airflow.version == 2 else "-run_after"
    )
    newest = list(reversed(airflow.runs[dag].items()))
    items = [_run(dag, run_id, run) for run_id, run in newest[: int(request.query["limit"])]]
    return {"dag_runs": items, "total_entries": len(newest)}


def _trigger(airflow: Airflow, request: web.Request, dag: str, body: Any) -> Object:
    if airflow.version == 3 and "logical_date" not in body:
        raise ProblemError(422, "logical_date: Field required")
    run_id = body["dag_run_id"]
    if not _RUN_ID.fullmatch(run_id):
        raise ProblemError(400, "The run_id provided does not match the pattern")
    if run_id in airflow.runs[dag]:
        raise ProblemError(409, f"DAGRun with DAGRunID: '{run_id}' already exists")
    _change(airflow, request, body)
    return _run(dag, run_id, airflow.add_run(dag, run_id, body["conf"]))


def _clear(airflow: Airflow, request: web.Request, dag: str, body: Any) -> Object:
    if not airflow.may_change:
        raise ProblemError(403, "Forbidden")
    if body["dag_run_id"] not in airflow.runs[dag]:
        raise ProblemError(404, f"Dag Run id {body['dag_run_id']} not found in dag {dag}")
    runs = airflow.runs[dag] if airflow.clears_every_run else [body["dag_run_id"]]
    expected = body.get("task_ids") or list(TASKS[dag])
    if not set(expected) <= set(TASKS[dag]):
        raise ProblemError(404, "Task not found")
    if body.get("include_downstream"):
        expected = TASKS[dag][min(TASKS[dag].index(task) for task in expected) :]
    cleared = []
    for run_id in runs:
        for name, task in airflow.runs[dag][run_id]["tasks"].items():
            if name in expected and (task["state"] in _FAILED or not body["only_failed"]):
                cleared.append((run_id, name, task))
    if not body["dry_run"]:
        _change(airflow, request, body)
        for run_id, _, task in cleared:
            task["state"] = None
            airflow.runs[dag][run_id]["state"] = "queued"
    return {"task_instances": [_task(dag, *entry) for entry in cleared]}


def _run(dag: str, run_id: str, run: Object) -> Object:
    shown = {"state": run["state"], "run_type": "manual", "conf": run["conf"]}
    return {"dag_id": dag, "dag_run_id": run_id, "start_date": run["at"], "end_date": None, **shown}


def _task(dag: str, run_id: str, name: str, task: Object) -> Object:
    return {"dag_id": dag, "dag_run_id": run_id, "task_id": name, "map_index": -1, **task}


def _log(airflow: Airflow, request: web.Request, lines: list[str]) -> web.Response:
    if airflow.version == 2:
        return web.Response(text="\n".join(lines), content_type="text/plain")
    if request.headers["Accept"] != "application/x-ndjson":
        raise ProblemError(406, "Only application/json or application/x-ndjson is supported")
    entries = [{"timestamp": None, "level": "info", "event": line} for line in lines]
    entries[-1]["error_detail"] = [{"exc_type": "RuntimeError", "exc_value": "no warehouse"}]
    text = "".join(json.dumps(entry) + "\n" for entry in entries)
    return web.Response(text=text, content_type="application/x-ndjson")


@asynccontextmanager
async def airflow_stand_in(version: int) -> AsyncIterator[Airflow]:
    """The server, until the block ends."""
    airflow = Airflow(version)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await _answer(airflow, request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    airflow.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield airflow
    finally:
        await runner.cleanup()
