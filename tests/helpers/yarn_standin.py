"""A stand-in of a YARN ResourceManager that remembers, written from its REST API's document.

No package that our machines reach has the ResourceManager's classes. Answers and statuses follow
https://hadoop.apache.org/docs/stable/hadoop-yarn/hadoop-yarn-site/ResourceManagerRest.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.helpers.http_servers import served

Row = dict[str, Any]
_CLUSTER = "/ws/v1/cluster"
_ENDED = ("FINISHED", "FAILED", "KILLED")


@dataclass
class YarnStandin:
    """One ResourceManager. An accepted kill takes effect at the next reading.

    `admins` may kill every application, others only their own. `ignores` accepts a kill and
    does not do it.
    """

    url: str = ""
    ha_state: str = "ACTIVE"
    state: str = "STARTED"
    admins: tuple[str, ...] = ("ops",)
    ignores: bool = False
    broken: str = ""
    answer: Any = None
    applications: dict[str, Row] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    _dying: set[str] = field(default_factory=set)

    def application(self, name: str, *, user: str = "etl", minutes: int = 90,
                    state: str = "RUNNING") -> str:  # fmt: skip
        id_ = f"application_1700000000000_{len(self.applications) + 1:04d}"
        self.applications[id_] = {
            "id": id_, "user": user, "name": name, "queue": "default", "state": state,
            "finalStatus": "UNDEFINED", "applicationType": "SPARK",
            "startedTime": 1_700_000_000_000,
            "elapsedTime": minutes * 60_000, "allocatedMB": 2048, "allocatedVCores": 2,
        }  # fmt: skip
        return id_

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.broken and self.broken in request.path:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if self.ha_state == "STANDBY" and not request.path.endswith("/info"):
            raise web.HTTPTemporaryRedirect("http://rm2.example:8088/")
        path = request.path.removeprefix(_CLUSTER).strip("/").split("/")
        match request.method, path:
            case "GET", ["info"]:
                info = {"state": self.state, "haState": self.ha_state,
                        "resourceManagerVersion": "3.4.1"}  # fmt: skip
                return web.json_response({"clusterInfo": info})
            case "GET", ["metrics"]:
                return web.json_response({"clusterMetrics": self._metrics()})
            case "GET", ["apps"]:
                return web.json_response(self.answer if self.answer is not None
                                         else self._apps(request.query["states"]))  # fmt: skip
            case "GET", ["apps", id_, "state"] if id_ in self.applications:
                self._settle()
                return web.json_response({"state": self.applications[id_]["state"]})
            case "PUT", ["apps", id_, "state"] if id_ in self.applications:
                return await self._kill(request, id_)
        return web.json_response(_exception("NotFoundException", "app not found"), status=404)

    async def _kill(self, request: web.Request, id_: str) -> web.StreamResponse:
        user = request.query.get("user.name", "")
        body = await request.json()
        self.requests.append((id_, user, body))
        row = self.applications[id_]
        if not user:
            return web.json_response(_exception("AuthorizationException", "user not authenticated"),
                                     status=401)  # fmt: skip
        if user not in (row["user"], *self.admins):
            return web.json_response(
                _exception("AccessControlException", f"User {user} cannot perform KILL"), status=403
            )
        if row["state"] in _ENDED:
            return web.json_response({"state": row["state"]})
        if not self.ignores:
            self._dying.add(id_)
        return web.json_response({"state": row["state"]}, status=202)

    def _settle(self) -> None:
        for id_ in self._dying:
            self.applications[id_] |= {"state": "KILLED", "finalStatus": "KILLED"}
        self._dying.clear()

    def _apps(self, states: str) -> Row:
        self._settle()
        rows = [row for row in self.applications.values() if row["state"] in states.split(",")]
        return {"apps": {"app": rows} if rows else None}

    def _metrics(self) -> Row:
        running = [row for row in self.applications.values() if row["state"] == "RUNNING"]
        return {
            "appsRunning": len(running), "appsPending": 0, "allocatedMB": 2048 * len(running),
            "totalMB": 8192, "allocatedVirtualCores": 2 * len(running), "totalVirtualCores": 8,
            "activeNodes": 2, "lostNodes": 1, "unhealthyNodes": 0,
        }  # fmt: skip


def _exception(name: str, message: str) -> Row:
    return {"RemoteException": {"exception": name, "message": message, "javaClassName": name}}


@asynccontextmanager
async def yarn_standin() -> AsyncIterator[YarnStandin]:
    """A ResourceManager on a free port."""
    manager = YarnStandin()
    async with served(manager.handle) as manager.url:
        yield manager
