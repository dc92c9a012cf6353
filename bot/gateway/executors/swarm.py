"""Services of a Docker Swarm: scale, rolling restart, rollback, status and logs."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import quote, urlencode

from pydantic import Field

from bot.gateway import actions
from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors import Call, Kind, Result, failed, succeeded
from bot.gateway.executors.engine import DockerUrl, Engine, demultiplexed
from bot.gateway.executors.remote import REFUSED, RemoteExecutor, allowed_replicas, label
from bot.gateway.executors.watching import read_until
from bot.gateway.ourselves import SELF_TARGET, is_our_container, runs_us
from bot.gateway.parts import Name, Target
from bot.remediation.contract import Plan, PlannedRequest, TypedAction

_POLL_SECONDS = 0.2
_RUNNING = "running"


class SwarmTarget(Target):
    """One replicated service, by its exact name, through a manager's engine."""

    executor: Literal["swarm"]
    service: Name
    url: DockerUrl = "unix:///var/run/docker.sock"
    min_replicas: int = Field(default=1, ge=0, le=1000)
    max_replicas: int = Field(default=10, ge=1, le=1000)
    rollout_seconds: float = Field(default=120, gt=0, le=3600)
    timeout_seconds: float = Field(default=10, gt=0, le=120)

    def acts_on_us(self, names: Collection[str]) -> str:
        """Refuse a service of one of these names."""
        ours = self.service.lower() in names
        return "service: is the bot, its gateway or a caller" if ours else ""


@dataclass(frozen=True, slots=True)
class _Service:
    """One inspection of the service."""

    id: str
    version: int
    spec: dict[str, Any]
    has_previous: bool

    @property
    def replicas(self) -> int:
        return int(self.spec["Mode"]["Replicated"]["Replicas"])

    @property
    def image(self) -> str:
        return str(self.spec["TaskTemplate"]["ContainerSpec"]["Image"])

    @property
    def forced(self) -> int:
        return int(self.spec["TaskTemplate"].get("ForceUpdate") or 0)


class SwarmExecutor(RemoteExecutor[SwarmTarget]):
    """Acts only on the declared services: each call addresses the inspected id."""

    async def probe(self, name: str, target: SwarmTarget) -> str:  # noqa: ARG002 - for a secret
        """Look for the service."""
        service = await self._inspect(target)
        return f"{service.replicas} replicas of {label(service.image)}"

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the service's id, replicas, image and number of forced updates."""
        target = cast("SwarmTarget", call.config)
        service = await self._inspect(target)
        tasks = await self._tasks(target, service)
        if call.action.mutating and await self._is_ours(target, service, tasks):
            raise ExecutorError(SELF_TARGET, f"service {target.service} is the bot or its gateway")
        path = f"/services/{service.id}"
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="swarm",
            parameters=dict(call.parameters),
            display=f"docker service ps {target.service}",
            request=PlannedRequest(method="GET", path=path),
            binding={"service": target.service, "id": service.id},
            mutating=call.action.mutating,
            deadline_seconds=int(2 * target.timeout_seconds) + 5,
            current={"state": _state(service, tasks)},
        )
        if call.action is actions.LOGS:
            lines = call.parameters["lines"]
            query = urlencode({"stdout": 1, "stderr": 1, "tail": lines})
            return base.model_copy(
                update={
                    "display": f"docker service logs --tail {lines} {target.service}",
                    "request": PlannedRequest(method="GET", path=f"{path}/logs?{query}"),
                }
            )
        return base.model_copy(update=_change(call, service)) if base.mutating else base

    async def run(self, call: Call, plan: Plan) -> Result:
        """Send the planned change at the version that was just seen, then await its tasks."""
        target = cast("SwarmTarget", call.config)
        service = await self._inspect(target)
        if service.id != plan.binding["id"]:
            raise ExecutorError("PLAN_DRIFT", f"{target.service} is another service by now")
        if call.action is actions.STATUS:
            return succeeded(_status(service, await self._tasks(target, service)))
        request = cast("PlannedRequest", plan.request)
        if call.action is actions.LOGS:
            async with self._engine(target) as engine:
                out, errors = demultiplexed(await engine.ask("GET", request.path))
            return Result("SUCCESS", 0, out, errors, tail=True)
        if call.action is actions.SCALE and service.replicas == call.parameters["replicas"]:
            return succeeded(f"{call.target} had {service.replicas} replicas already")
        # The engine refuses a version that is not the newest: no other change is overwritten.
        path = f"{request.path}{'&' if '?' in request.path else '?'}version={service.version}"
        old = {task["ID"] for task in await self._tasks(target, service)}
        async with self._engine(target) as engine:
            await engine.ask("POST", path, body=_changed_spec(call, service))
        return await self._awaited(call, target, old)

    async def _awaited(self, call: Call, target: SwarmTarget, old: set[str]) -> Result:
        loop = asyncio.get_running_loop()
        end = loop.time() + target.rollout_seconds

        async def read() -> tuple[_Service, list[dict[str, Any]]]:
            service = await self._inspect(target)
            return service, await self._tasks(target, service)

        while True:
            try:
                service, tasks = await read_until(end, _POLL_SECONDS, read)
            except ExecutorError as error:
                raise OutcomeLost(
                    f"{call.target} was told to {call.action.verb}, then: {error.message}"
                ) from error
            running = [t for t in _desired(tasks) if t["Status"]["State"] == _RUNNING]
            fresh = call.action is actions.SCALE or all(
                _forced(task) == service.forced and _image(task) == service.image
                for task in running
            )
            if len(running) == len(_desired(tasks)) == service.replicas and fresh:
                return succeeded(f"{call.target} {call.action.verb}: {_state(service, tasks)}")
            if loop.time() >= end:
                problems = _errors([task for task in tasks if task["ID"] not in old])
                return failed(
                    f"{call.target} {call.action.verb}: {_state(service, tasks)} after "
                    f"{target.rollout_seconds:g} s. {problems}"
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def _is_ours(
        self, target: SwarmTarget, service: _Service, tasks: list[dict[str, Any]]
    ) -> bool:
        """Return True if a task of the service is the bot or a gateway, here or on another node."""
        container = service.spec["TaskTemplate"].get("ContainerSpec") or {}
        if runs_us([*(container.get("Command") or ()), *(container.get("Args") or ())]):
            return True
        async with self._engine(target) as engine:
            info = await engine.json("GET", "/info")
        here = str((info.get("Swarm") or {}).get("NodeID", ""))
        for task in tasks:
            status = (task.get("Status") or {}).get("ContainerStatus") or {}
            container_id = str(status.get("ContainerID") or "")
            # A pid means something only on the node whose engine answers; it is this machine's if
            # the engine is reached by a socket.
            is_here = task.get("NodeID") == here and target.url.startswith("unix://")
            pid = int(status.get("PID") or 0) if is_here else 0
            if not container_id:
                continue
            if await asyncio.to_thread(is_our_container, container_id, pid):
                return True
        return False

    async def _inspect(self, target: SwarmTarget) -> _Service:
        async with self._engine(target) as engine:
            answer = await engine.json("GET", f"/services/{quote(target.service, safe='')}")
        try:
            # The engine also takes the beginning of an id.
            if answer["Spec"]["Name"] != target.service:
                raise ExecutorError("NO_SERVICE", f"No such service: {target.service}")
            if "Replicated" not in answer["Spec"]["Mode"]:
                raise ExecutorError(REFUSED, f"{target.service} is not a replicated service")
            identifier = str(answer["ID"])
            if not identifier.isalnum():  # it becomes part of a URL path
                raise ValueError("a proper ID")
            version = int(answer["Version"]["Index"])
            return _Service(identifier, version, answer["Spec"], bool(answer.get("PreviousSpec")))
        except (KeyError, TypeError, ValueError) as error:
            raise ExecutorError("DOCKER_UNREADABLE", f"Docker's answer lacks {error}") from error

    async def _tasks(self, target: SwarmTarget, service: _Service) -> list[dict[str, Any]]:
        filters = quote(f'{{"service":["{service.id}"]}}', safe="")
        async with self._engine(target) as engine:
            return await engine.items(f"/tasks?filters={filters}")

    def _engine(self, target: SwarmTarget) -> Engine:
        return Engine(target.url, timeout_seconds=target.timeout_seconds)


def _change(call: Call, service: _Service) -> dict[str, Any]:
    """Return the plan's fields for a change of the service."""
    target = cast("SwarmTarget", call.config)
    path, name = f"/services/{service.id}/update", target.service
    steps = (f"wait up to {target.rollout_seconds:g} s for the replicas",)
    fields: dict[str, Any] = {
        "request": PlannedRequest(method="POST", path=path),
        "deadline_seconds": int(target.rollout_seconds + 2 * target.timeout_seconds) + 10,
        "touches": (f"service {name}: {service.replicas} replicas of {label(service.image)}",),
        "binding": {
            "service": name,
            "id": service.id,
            "replicas": service.replicas,
            "image": service.image,
            "forced": service.forced,
        },
    }
    if call.action is actions.SCALE:
        replicas = allowed_replicas(call, target.min_replicas, target.max_replicas)
        back = TypedAction(id=call.action.id, parameters={"replicas": service.replicas})
        return fields | {
            "display": f"docker service scale {name}={replicas}",
            "steps": (f"change {service.replicas} replicas to {replicas}", *steps),
            "inverse": back,
        }
    if call.action is actions.ROLLBACK:
        if not service.has_previous:
            raise ExecutorError(REFUSED, f"{call.target} has no previous version")
        return fields | {
            "display": f"docker service rollback {name}",
            "request": PlannedRequest(method="POST", path=f"{path}?rollback=previous"),
            "steps": ("go back to the previous image and settings", *steps),
            "inverse": TypedAction(id=call.action.id),
        }
    return fields | {
        "display": f"docker service update --force {name}",
        "steps": ("replace the replicas one after another", *steps),
    }


def _changed_spec(call: Call, service: _Service) -> dict[str, Any]:
    spec = service.spec
    if call.action is actions.SCALE:
        mode = {"Replicated": {"Replicas": call.parameters["replicas"]}}
        return spec | {"Mode": mode}
    if call.action is actions.ROLLOUT:
        return spec | {"TaskTemplate": spec["TaskTemplate"] | {"ForceUpdate": service.forced + 1}}
    return spec


def _desired(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [task for task in tasks if task.get("DesiredState") == _RUNNING]


def _forced(task: Mapping[str, Any]) -> int:
    return int(task["Spec"].get("ForceUpdate") or 0)


def _image(task: Mapping[str, Any]) -> str:
    return str(task["Spec"]["ContainerSpec"]["Image"])


def _state(service: _Service, tasks: list[dict[str, Any]]) -> str:
    running = sum(task["Status"]["State"] == _RUNNING for task in _desired(tasks))
    return f"{running} of {service.replicas} replicas run {label(service.image)}"


def _status(service: _Service, tasks: list[dict[str, Any]]) -> str:
    return f"{_state(service, tasks)}. {_errors(tasks)}".strip()


def _errors(tasks: list[dict[str, Any]]) -> str:
    errors = {label(task["Status"]["Err"]) for task in tasks if task["Status"].get("Err")}
    return f"Failed replicas: {'; '.join(sorted(errors)[:5])}" if errors else ""


KIND = Kind(
    name="swarm",
    target=SwarmTarget,
    actions=(
        actions.SCALE,
        actions.ROLLOUT,
        actions.ROLLBACK,
        actions.STATUS,
        actions.LOGS,
    ),
    build=SwarmExecutor,
)
