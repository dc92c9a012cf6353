"""Named containers, through the Docker Engine API. The docker command line is not used."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from bot.gateway import actions
from bot.gateway.errors import ExecutorError, GatewayError, OutcomeLost
from bot.gateway.executors import Call, Check, Kind, Result, Setup, failed, succeeded
from bot.gateway.executors.docker_resources import (
    UPDATE,
    limits_of,
    planned_update,
    update_body,
)
from bot.gateway.executors.engine import DockerUrl, Engine, demultiplexed
from bot.gateway.ourselves import SELF_TARGET, is_our_container
from bot.gateway.parts import Part, Target
from bot.remediation.contract import Plan, PlannedRequest
from bot.validation import form

_SETTLE_SECONDS = 0.5
_POLL_SECONDS = 0.1
_SLACK_SECONDS = 15


class Docker(Part):
    """The Docker Engine: its unix socket, or http:// for a socket proxy."""

    url: DockerUrl = "unix:///var/run/docker.sock"


class DockerTarget(Target):
    """One container, by its exact name."""

    executor: Literal["docker"]
    container: Annotated[
        str, form(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}", "must be the exact name of a container")
    ]
    start_seconds: float = Field(default=30, gt=0, le=300)
    most_memory_mb: int = Field(default=0, ge=0, le=1_048_576)
    most_cpu_percent: int = Field(default=0, ge=0, le=25_600)

    def acts_on_us(self, names: Collection[str]) -> str:
        """Refuse a container of one of these names."""
        ours = self.container.lower() in names
        return "container: is the bot, its gateway or a caller" if ours else ""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Result of an inspection; `health` is '' for an image without a health check."""

    id: str
    image: str
    running: bool
    pid: int
    exit_code: int
    restarts: int
    health: str
    tty: bool
    status: str
    limits: Mapping[str, int]

    def state(self) -> str:
        if not self.running:
            return f"{self.status} (exit code {self.exit_code})"
        return f"{self.status} (pid {self.pid})" + (f", {self.health}" if self.health else "")


class DockerExecutor:
    """Acts only on the declared containers: each call addresses the inspected id."""

    def __init__(self, setup: Setup) -> None:
        self._targets: Mapping[str, DockerTarget] = setup.targets
        self._url: str = setup.section.url
        self._timeout = setup.limits.docker_seconds
        self._engine: Engine | None = None

    async def start(self) -> None:
        """Open the connection pool; the engine need not run yet."""
        self._engine = Engine(self._url, timeout_seconds=self._timeout)

    async def stop(self) -> None:
        """Close the pool. Containers belong to Docker and keep running."""
        if self._engine is not None:
            await self._engine.close()

    async def exchange(self, setup: Setup) -> None:
        """Replace the declared containers; removed ones keep running."""
        self._targets = setup.targets

    async def check(self) -> Check:
        """Ask the engine for its version."""
        try:
            version = await self._docker.version()
        except GatewayError as error:
            return Check(False, str(error))
        return Check(True, f"ok: engine {version}, {len(self._targets)} declared")

    async def check_target(self, name: str) -> Check:
        """Inspect the container."""
        try:
            return Check(True, f"{name}: {(await self._inspect(self._targets[name])).state()}")
        except GatewayError as error:
            return Check(False, f"{name}: {error}")

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the container's id and image: another container of that name changes the
        plan.
        """
        config = self._targets[call.target]
        seen = await self._inspect(config)
        name = config.container
        if await asyncio.to_thread(is_our_container, seen.id, seen.pid):
            raise ExecutorError(SELF_TARGET, f"container {name} is the bot or its gateway")
        path = f"/containers/{seen.id}"
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="docker",
            parameters=dict(call.parameters),
            display=f"docker inspect {name}",
            request=PlannedRequest(method="GET", path=f"{path}/json"),
            binding={"container": name, "id": seen.id, "image": seen.image},
            mutating=call.action.mutating,
            deadline_seconds=int(self._timeout) + 5,
            current={"state": seen.state(), "restarts": seen.restarts},
        )
        if call.action is UPDATE:
            fields = self._limits_change(call, config, seen)
            fields["binding"] = base.binding | {"limits": dict(seen.limits)}
            return base.model_copy(update=fields)
        if base.mutating:
            return base.model_copy(update=self._change(call, config, seen))
        return base.model_copy(update=_read(call, name, path))

    def _limits_change(self, call: Call, config: DockerTarget, seen: _Seen) -> dict[str, Any]:
        """Return the plan's fields for other limits."""
        fields = planned_update(
            call.parameters,
            seen.limits,
            most_mb=config.most_memory_mb,
            most_percent=config.most_cpu_percent,
        )
        return fields | {
            "display": f"docker update {config.container}",
            "request": PlannedRequest(method="POST", path=f"/containers/{seen.id}/update"),
            "touches": (f"container {config.container}: {seen.state()}",),
        }

    def _change(self, call: Call, config: DockerTarget, seen: _Seen) -> dict[str, Any]:
        """Return the plan's fields for a restart, a stop or a start."""
        verb, name = call.action.verb, config.container
        grace = int(call.parameters.get("grace_seconds", 0))
        option, query = (f" --time {grace}", f"?t={grace}") if verb != "start" else ("", "")
        ends = "" if verb == "start" else f", SIGKILL after {grace} s"
        until = "it is stopped" if verb == "stop" else "it runs and is healthy"
        return {
            "display": f"docker {verb}{option} {name}",
            "request": PlannedRequest(method="POST", path=f"/containers/{seen.id}/{verb}{query}"),
            "steps": (
                f"{verb} container {name}{ends}",
                f"wait up to {config.start_seconds:g} s until {until}",
            ),
            "deadline_seconds": int(grace + self._timeout + config.start_seconds) + _SLACK_SECONDS,
            "touches": (f"container {name}: {seen.state()}",),
        }

    async def run(self, call: Call, plan: Plan) -> Result:
        """Send exactly the planned request."""
        config = self._targets[call.target]
        request, container_id = plan.request, str(plan.binding["id"])
        if request is None:
            raise ExecutorError("NO_REQUEST", "The plan holds no request")
        if call.action.id == "service.status":
            seen = await self._inspect(config)
            return succeeded(f"{call.target}: {seen.state()}, restarts: {seen.restarts}")
        if call.action.id == "service.stats":
            stats = await self._docker.json("GET", request.path)
            return succeeded(f"{call.target}: {_usage(stats)}")
        if call.action.id == "service.logs":
            seen = await self._inspect(config)
            data = await self._docker.ask("GET", request.path)
            stdout, stderr = (
                (data.decode(errors="replace"), "") if seen.tty else demultiplexed(data)
            )
            return Result("SUCCESS", 0, stdout, stderr, tail=True)
        before = await self._inspect(config)
        if before.id != container_id:
            raise ExecutorError("PLAN_DRIFT", f"{config.container} is another container by now")
        if call.action is UPDATE:
            return await self._update(call, config, request)
        if (call.action.verb == "start") == before.running and call.action.verb != "restart":
            return succeeded(f"{call.target} was {before.state()} already")
        await self._docker.ask(
            "POST", request.path, extra_seconds=float(call.parameters.get("grace_seconds", 0))
        )
        if call.action.verb == "stop":
            return await self._after_stop(call, config)
        return await self._after_start(call, config, before)

    async def _update(self, call: Call, config: DockerTarget, request: PlannedRequest) -> Result:
        body = update_body(call.parameters, await self._docker.container(config.container))
        await self._docker.ask("POST", request.path, body=body)
        after = (await self._inspect_after(call, config)).limits
        shown = ", ".join(f"{name} {value or 'unlimited'}" for name, value in after.items())
        if any(value and after[name] != value for name, value in call.parameters.items()):
            return failed(f"{call.target} was updated, but has {shown}")
        return succeeded(f"{call.target} updated: {shown}")

    async def _after_stop(self, call: Call, config: DockerTarget) -> Result:
        """Inspect again: the engine answers after the stop, but a restart policy may start it
        again.
        """
        seen = await self._inspect_after(call, config)
        if seen.running:
            return failed(f"{call.target} was stopped, but is {seen.state()}")
        return succeeded(f"{call.target} stopped: {seen.state()}")

    async def _inspect_after(self, call: Call, config: DockerTarget) -> _Seen:
        try:
            return await self._inspect(config)
        except ExecutorError as error:
            raise OutcomeLost(
                f"{call.target} was told to {call.action.verb}, then: {error.message}"
            ) from error

    async def _after_start(self, call: Call, config: DockerTarget, before: _Seen) -> Result:
        did = f"{call.target} {call.action.verb}ed"
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            seen = await self._inspect_after(call, config)
            spent = loop.time() - began
            if not seen.running and spent >= _SETTLE_SECONDS:
                return failed(f"{did}, but is {seen.state()}")
            settled = seen.health == "healthy" or (
                not seen.health and seen.running and spent >= _SETTLE_SECONDS
            )
            if settled:
                was = before.pid if before.running else before.state()
                how = seen.health or "running"
                return succeeded(f"{did}: pid {was} → {seen.pid}, {how}")
            if spent >= config.start_seconds or seen.health == "unhealthy":
                return failed(f"{did}, but is {seen.state()} after {spent:.1f} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def _inspect(self, config: DockerTarget) -> _Seen:
        inspection = await self._docker.container(config.container)
        try:
            return _seen(inspection)
        except (KeyError, TypeError, ValueError) as error:
            raise ExecutorError("DOCKER_UNREADABLE", f"Docker's answer lacks {error}") from error

    @property
    def _docker(self) -> Engine:
        if self._engine is None:
            raise ExecutorError("NOT_STARTED", "The Docker executor is not started")
        return self._engine


def _read(call: Call, name: str, path: str) -> dict[str, Any]:
    """Return the plan's fields of an action that only reads."""
    if call.action is actions.STATS:
        query = "stats?stream=false&one-shot=true"
        display = f"docker stats --no-stream {name}"
    elif call.action is actions.LOGS:
        lines = call.parameters["lines"]
        query = f"logs?stdout=1&stderr=1&follow=0&tail={lines}"
        display = f"docker logs --tail {lines} {name}"
    else:
        return {}
    return {"display": display, "request": PlannedRequest(method="GET", path=f"{path}/{query}")}


def _usage(stats: dict[str, Any]) -> str:
    try:
        memory, limit = (int(stats["memory_stats"][key]) for key in ("usage", "limit"))
        cpu = int(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
    except (KeyError, TypeError, ValueError):
        return "not running, so it uses nothing"
    mib = 2**20
    return f"memory: {memory / mib:.1f} of {limit / mib:.0f} MiB, CPU time: {cpu:.1f} s"


def _seen(inspection: dict[str, Any]) -> _Seen:
    state, config = inspection["State"], inspection["Config"]
    identifier = str(inspection["Id"])
    if not identifier.isalnum():  # it becomes part of a URL path
        raise ValueError("a proper Id")
    health = str((state.get("Health") or {}).get("Status") or "")
    return _Seen(
        id=identifier,
        image=str(inspection["Image"]),
        running=bool(state["Running"]),
        pid=int(state["Pid"]),
        exit_code=int(state["ExitCode"]),
        restarts=int(inspection.get("RestartCount") or 0),
        health="" if health == "none" else health,
        tty=bool(config["Tty"]),
        status=str(state["Status"]),
        limits=limits_of(inspection),
    )


KIND = Kind(
    name="docker",
    target=DockerTarget,
    actions=(
        actions.RESTART,
        actions.STOP,
        actions.START,
        actions.STATUS,
        actions.STATS,
        actions.LOGS,
        UPDATE,
    ),
    build=DockerExecutor,
    section=Docker,
)
