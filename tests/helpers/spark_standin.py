"""A stand-in of a Spark master that remembers: its page as JSON, its kill button, its REST server.

The answers have the form of a real master 3.5; `make chaos` acts on a real one too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.helpers.http_servers import served

Row = dict[str, Any]
VERSION = "3.5.9"
JOB = {
    "name": "etl",
    "resource": "hdfs://nn/etl.jar",
    "main_class": "shop.Etl",
    "args": ["--date={date}", "{mode}", "{key}"],
    "properties": {"spark.executor.memory": "2g"},
    "env": {"REGION": "eu"},
    "parameters": {
        "date": {"pattern": r"\d{4}-\d\d-\d\d"},
        "mode": {"type": "choice", "choices": ["full", "delta"], "default": "delta"},
    },
    "seconds": 20,
}
SPARK = {
    "executor": "spark",
    "applications": ["etl.*", "report [daily]*"],
    "main_classes": ["shop.*"],
    "jobs": {"etl": JOB},
    "kill_seconds": 5,
    "timeout_seconds": 5,
}


@dataclass
class SparkStandin:
    """One master. A submitted job reaches its next state each time that the state is read.

    `requests` are the changes that it was asked for. `kills` False is a page without its button.
    `ends_as` is the state in which a submitted driver ends, '' for one that runs on. `silent` names
    a path that is heard and never answered, `lost_reads` counts the reads of its state after a
    change that it does not answer, `garbled` one that obeys and answers `garbage`.
    `echoes` refuses everything with the credentials in the reason.
    """

    url: str = ""
    token: str = ""
    status: str = "ALIVE"
    kills: bool = True
    refuses: str = ""
    ends_as: str = ""
    broken: str = ""
    silent: str = ""
    lost_reads: int = 0
    garbled: str = ""
    garbage: bytes = b"<html>done</html>"
    echoes: bool = False
    answer: Any = None
    applications: list[Row] = field(default_factory=list)
    drivers: list[Row] = field(default_factory=list)
    ended_applications: list[Row] = field(default_factory=list)
    ended_drivers: list[Row] = field(default_factory=list)
    requests: list[tuple[str, Any]] = field(default_factory=list)
    _number: int = 0

    def application(self, name: str, *, minutes: int = 90, state: str = "RUNNING") -> str:
        id_ = self._id("app")
        start = int(time.time() * 1000) - minutes * 60_000
        self.applications.append(
            {
                "id": id_, "starttime": start, "name": name, "cores": 2, "user": "etl",
                "memoryperexecutor": 1024, "submitdate": "", "state": state,
                "duration": minutes * 60_000,
            }
        )  # fmt: skip
        return id_

    def driver(self, main_class: str, *, minutes: int = 90) -> str:
        id_ = self._id("driver")
        start = int(time.time() * 1000) - minutes * 60_000
        self.drivers.append(
            {
                "id": id_, "starttime": str(start), "state": "RUNNING", "cores": 1, "memory": 512,
                "submitdate": "", "worker": "w", "mainclass": main_class,
            }
        )  # fmt: skip
        return id_

    def end(self, id_: str, state: str) -> None:
        """End a driver or an application; of a driver its application too."""
        for live, ended in (
            (self.applications, self.ended_applications),
            (self.drivers, self.ended_drivers),
        ):
            for row in [row for row in live if id_ in (row["id"], row.get("of"))]:
                live.remove(row)
                ended.append(row | {"state": state})

    def _id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-20260101120000-{self._number:04d}"

    def _step(self) -> None:
        """Bring every submitted job one state on."""
        for row in list(self.drivers):
            name = row.pop("waits", "")
            if name:
                self.application(name, minutes=0, state="WAITING")
                self.applications[-1]["of"] = row["id"]
            elif any(app.get("of") == row["id"] for app in self.applications):
                app = next(app for app in self.applications if app.get("of") == row["id"])
                if app["state"] == "RUNNING" and self.ends_as:
                    self.end(row["id"], self.ends_as)
                app["state"] = "RUNNING"

    def _state(self) -> Row:
        self._step()
        return {
            "url": "spark://master:7077", "status": self.status, "aliveworkers": 1,
            "workers": [
                {"id": "worker-1", "state": "ALIVE", "cores": 4, "coresused": 2, "memory": 4096,
                 "memoryused": 1024},
                {"id": "worker-2", "state": "DEAD", "cores": 0, "coresused": 0, "memory": 0,
                 "memoryused": 0},
            ],
            "cores": 4, "coresused": 2, "memory": 4096, "memoryused": 1024,
            "activeapps": self.applications, "completedapps": self.ended_applications,
            "activedrivers": self.drivers, "completeddrivers": self.ended_drivers,
        }  # fmt: skip

    async def handle(self, request: web.Request) -> web.StreamResponse:
        answer = await self._answer(request)
        if self.garbled and self.garbled in request.path:
            return web.Response(body=self.garbage)
        return answer

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self.echoes:
            reason = f"{'x' * 280} {request.headers.get('Authorization')} is unknown"
            return web.json_response({"message": reason}, status=403)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"message": "no such user"}, status=401)
        is_lost = request.path == "/json/" and bool(self.requests) and self.lost_reads > 0
        self.lost_reads -= is_lost
        if is_lost or (self.broken and self.broken in request.path):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if request.path == "/json/":
            return web.json_response(self.answer if self.answer is not None else self._state())
        verb = request.path.split("/")[-2 if "create" not in request.path else -1]
        if request.method == "POST":
            self.requests.append((request.path_qs, await request.json() if request.can_read_body
                                  else None))  # fmt: skip
        if self.silent and self.silent in request.path:
            await asyncio.Event().wait()
        if request.path == "/app/kill/":
            if self.kills:
                self.end(request.query["id"], "KILLED")
            raise web.HTTPFound("/")
        return web.json_response(self._rest(verb, request) | {"serverSparkVersion": VERSION},
                                 status=403 if self.refuses == "403" else 200)  # fmt: skip

    def _rest(self, verb: str, request: web.Request) -> Row:
        id_ = request.path.split("/")[-1]
        if verb == "status":
            ended = [row for row in self.ended_drivers if row["id"] == id_]
            return {"success": bool(ended), "message": "Exception from the cluster:\nBoom" * bool(
                ended)}  # fmt: skip
        if self.refuses:
            return {"success": False, "message": self.refuses}
        if verb == "kill":
            known = any(row["id"] == id_ for row in self.drivers)
            self.end(id_, "KILLED")
            return {"success": known, "message": "Kill request submitted"}
        body = self.requests[-1][1]
        id_ = self.driver(body["mainClass"], minutes=0)
        self.drivers[-1]["waits"] = body["sparkProperties"]["spark.app.name"]
        return {"success": True, "submissionId": id_, "message": "submitted"}


@asynccontextmanager
async def spark_standin() -> AsyncIterator[SparkStandin]:
    """A master on a free port, page and REST server on the same."""
    master = SparkStandin()
    async with served(master.handle) as master.url:
        yield master
