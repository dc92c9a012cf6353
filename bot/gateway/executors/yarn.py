"""Hadoop YARN by its ResourceManager's REST API: the applications, and killing one.

https://hadoop.apache.org/docs/stable/hadoop-yarn/hadoop-yarn-site/ResourceManagerRest.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from bot.gateway import actions
from bot.gateway.actions import Action, Parameters
from bot.gateway.errors import ExecutorError
from bot.gateway.executors import Call, Kind, Result, succeeded
from bot.gateway.executors.cluster_jobs import (
    Filter,
    Job,
    JobGlob,
    keys_of,
    kill_all,
    listed,
)
from bot.gateway.executors.json_api import JsonApi, ManagerTarget, Object, form_of, path_of
from bot.gateway.executors.remote import UNREACHABLE, RemoteExecutor, label, size_text, strings
from bot.gateway.parts import Argument
from bot.remediation.contract import Plan, PlannedRequest
from bot.validation import form

_CLUSTER = ("ws", "v1", "cluster")
_LIVE = "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"
_SHOWN = 30
_ENDED = frozenset({"FINISHED", "FAILED", "KILLED"})

ApplicationId = Annotated[
    str,
    form(
        r"(application_\d{1,20}_\d{1,10})?", "must be an id such as application_1700000000000_0001"
    ),
]


class YarnTarget(ManagerTarget):
    """One ResourceManager, and the applications that may be killed there, by name and owner.

    `user` is sent as `user.name`, for a cluster without Kerberos.
    """

    executor: Literal["yarn"]
    user: Annotated[str, form(r"[A-Za-z0-9._-]{0,64}", "must be the name of a user")] = ""
    applications: list[JobGlob] = Field(default_factory=list, max_length=100)
    users: list[Argument] = Field(default_factory=list, max_length=100)
    max_kills: int = Field(default=1, ge=1, le=50)


class KillApplications(Parameters):
    """Selects the running applications that match every given field."""

    application: ApplicationId = Field(default="", description="the exact id")
    name: str = Field(default="", max_length=200, description="the name; * stands for any text")
    min_seconds: int = Field(
        default=0, ge=0, le=31_536_000, description="running for at least so long"
    )


KILL = Action(
    id="yarn.kill_applications",
    verb="kill",
    title="Kill running applications of YARN",
    mutating=True,
    parameters=KillApplications,
    blast="the work of these applications that is not yet stored is lost",
    verified_by="the gateway waits until the applications have ended",
    cancellable=True,
)


class _Applications:
    """The live applications of one ResourceManager."""

    noun = "application"

    def __init__(self, api: JsonApi, target: YarnTarget) -> None:
        self._api, self._target = api, target
        self._query = {"user.name": target.user} if target.user else {}

    async def live(self) -> list[Job]:
        users = self._target.users
        return [job for user, job in await self.running() if not users or user in users]

    async def running(self) -> list[tuple[str, Job]]:
        """Return each live application with its owner."""
        answer = await self._api.read(
            self._target.url, *_CLUSTER, "apps", states=_LIVE, **self._query
        )
        with form_of("The list of applications"):  # {"apps": null} if there is none
            rows = (answer.get("apps") or {}).get("app") or []
            return [(str(row.get("user")), _job(row)) for row in rows]

    async def read(self, *segments: str) -> Object:
        return await self._api.read(self._target.url, *_CLUSTER, *segments, **self._query)

    async def stats(self) -> str:
        """Return what of the cluster is used."""
        answer = await self.read("metrics")
        with form_of("The metrics"):
            return _stats(answer["clusterMetrics"])

    async def kill(self, job: Job) -> None:
        await self._api.change(
            "PUT", self._target.url, *_CLUSTER, "apps", job.id, "state",
            body={"state": "KILLED"}, **self._query,
        )  # fmt: skip

    async def end_of(self, job: Job) -> str:
        state = str((await self.read("apps", job.id, "state")).get("state"))
        return state if state in _ENDED else ""


class YarnExecutor(RemoteExecutor[YarnTarget]):
    """Kills only live applications whose name and owner are declared."""

    async def probe(self, name: str, target: YarnTarget) -> str:
        """Read the state of the ResourceManager."""
        async with self._connected(name, target) as cluster:
            return _state(await cluster.read("info"))

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the ids and start times of the applications."""
        target = cast("YarnTarget", call.config)
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="yarn",
            parameters=dict(call.parameters),
            display=f"read the applications of {target.url}",
            request=PlannedRequest(method="GET", path=path_of(*_CLUSTER, "apps")),
            binding={"url": target.url},
            mutating=call.action.mutating,
            deadline_seconds=int(4 * target.timeout_seconds) + 5,
        )
        async with self._connected(call.target, target) as cluster:
            state = _state(await cluster.read("info"))
            if not call.action.mutating:
                return base.model_copy(update={"current": {"state": state}})
            chosen = _filter(call, target).chosen(await cluster.live(), cluster.noun)
        paths = [path_of(*_CLUSTER, "apps", job.id, "state") for job in chosen]
        wait = target.kill_seconds
        return base.model_copy(
            update={
                "display": f"kill {', '.join(job.id for job in chosen) or 'no application'} of "
                f"{target.url}",
                "request": PlannedRequest(
                    method="PUT", path=paths[0] if len(paths) == 1 else path_of(*_CLUSTER, "apps")
                ),
                "steps": (
                    *(f'PUT {path} {{"state": "KILLED"}}' for path in paths),
                    f"wait up to {wait:g} s until they have ended",
                ),
                "binding": base.binding | {"applications": keys_of(chosen)},
                "touches": listed(chosen, "application"),
                "current": {"state": state},
                "deadline_seconds": int(wait + (len(chosen) + 4) * target.timeout_seconds) + 10,
            }
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Kill the planned applications that still run, and wait for their ends."""
        target = cast("YarnTarget", call.config)
        async with self._connected(call.target, target) as cluster:
            if call.action is KILL:
                planned = strings(plan.binding["applications"])
                return await kill_all(cluster, planned, target.kill_seconds, call.target)
            if call.action is actions.STATS:
                return succeeded(await cluster.stats())
            lines = [f"{call.target}: {_state(await cluster.read('info'))}"]
            jobs = sorted((job for _, job in await cluster.running()), key=lambda job: -job.seconds)
            lines.append(f"applications that run: {len(jobs)}")
            lines += [f"  {job.line}" for job in jobs[:_SHOWN]]
            return succeeded("\n".join(lines))

    @asynccontextmanager
    async def _connected(self, name: str, target: YarnTarget) -> AsyncIterator[_Applications]:
        # The header is what the ResourceManager's filter against forged requests asks for.
        async with JsonApi(target, self.secret(name, "token"), {"X-XSRF-HEADER": "sopbot"}) as api:
            yield _Applications(api, target)


def _filter(call: Call, target: YarnTarget) -> Filter:
    chosen = call.parameters
    return Filter(
        declared=target.applications,
        most=target.max_kills,
        id=chosen["application"],
        name=chosen["name"],
        min_seconds=chosen["min_seconds"],
    )


def _state(answer: Object) -> str:
    info: Any = answer.get("clusterInfo")
    if not isinstance(info, dict) or info.get("state") != "STARTED":
        raise ExecutorError(UNREACHABLE, "The ResourceManager has not started")
    if info.get("haState") not in (None, "ACTIVE"):
        raise ExecutorError(UNREACHABLE, f"The ResourceManager is {label(info['haState'])}")
    version = label(info.get("resourceManagerVersion") or "of an unknown version")
    return f"ResourceManager {version}, started"


def _job(row: Object) -> Job:
    id_, name, state = str(row["id"]), str(row.get("name")), str(row.get("state"))
    seconds = int(row.get("elapsedTime") or 0) / 1000
    return Job(
        id=id_,
        name=name,
        state=state,
        key=f"{id_} {row.get('startedTime')}",
        seconds=seconds,
        line=f"{label(id_)} {label(name)} of {label(row.get('user'))} in "
        f"{label(row.get('queue'))}: {label(state)} for {seconds:.0f} s, "
        f"{_number(row, 'allocatedVCores')} cores, "
        f"{size_text(_number(row, 'allocatedMB') * 1_048_576)}",
    )


def _number(row: Object, key: str) -> int:
    return max(0, int(row.get(key) or 0))  # -1 while nothing is allocated


def _stats(metrics: Object) -> str:
    def used(unit: str) -> tuple[int, int]:
        return _number(metrics, f"allocated{unit}"), _number(metrics, f"total{unit}")

    cores, memory = used("VirtualCores"), used("MB")
    return (
        f"cores: {cores[0]} of {cores[1]} used\n"
        f"memory: {size_text(memory[0] * 1_048_576)} of {size_text(memory[1] * 1_048_576)} used\n"
        f"nodes: {_number(metrics, 'activeNodes')} active, {_number(metrics, 'lostNodes')} lost, "
        f"{_number(metrics, 'unhealthyNodes')} unhealthy\n"
        f"applications: {_number(metrics, 'appsRunning')} running, "
        f"{_number(metrics, 'appsPending')} pending"
    )


KIND = Kind(
    name="yarn",
    target=YarnTarget,
    actions=(KILL, actions.STATUS, actions.STATS),
    build=YarnExecutor,
)
