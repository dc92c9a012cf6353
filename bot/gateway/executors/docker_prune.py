"""Removes what a Docker Engine no longer uses: stopped containers, dangling images, build cache."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self, cast
from urllib.parse import quote

from pydantic import Field, model_validator

from bot.gateway.actions import Action, Parameters
from bot.gateway.errors import Cancelled, ExecutorError, NotAllowed, OutcomeLost
from bot.gateway.executors import Call, Kind, Result, failed, succeeded
from bot.gateway.executors.engine import DockerUrl, Engine
from bot.gateway.executors.progress import report_progress
from bot.gateway.executors.remote import (
    REFUSED,
    TOO_MUCH,
    RemoteExecutor,
    label,
    size_text,
    strings,
)
from bot.gateway.executors.session_text import listed
from bot.gateway.parts import Argument, Target
from bot.remediation.contract import Plan, PlannedRequest

Kinds = Literal["containers", "images"]


class EngineTarget(Target):
    """One Docker Engine. `container_label` selects the containers that nobody starts again.

    A container that somebody stopped for a moment looks like one that nobody needs: only a label of
    the operator tells them apart.
    """

    executor: Literal["docker-engine"]
    url: DockerUrl = "unix:///var/run/docker.sock"
    prune: list[Kinds] = Field(min_length=1, max_length=2)
    container_label: Argument = Field(default="", max_length=200)
    min_age_hours: int = Field(default=24, ge=0, le=8760)
    max_objects: int = Field(default=100, ge=1, le=10_000)
    timeout_seconds: float = Field(default=30, gt=0, le=300)

    @model_validator(mode="after")
    def _labelled(self) -> Self:
        if "containers" in self.prune and not self.container_label:
            raise ValueError("prune of containers needs container_label")
        return self


class PruneParameters(Parameters):
    """Selects what is removed."""

    kind: Kinds = Field(description="must be declared for the target")


PRUNE = Action(
    id="docker.prune",
    verb="prune",
    title="Remove stopped containers or dangling images",
    mutating=True,
    parameters=PruneParameters,
    risk="medium",
    blast="the logs and files of these containers, or these images, are lost",
    verified_by="the engine answers for each removed object",
    cancellable=True,
)
REPORT = Action(
    id="docker.disk_report",
    verb="report",
    title="Report what uses the disk of the engine",
    mutating=False,
    risk="low",
)


@dataclass(frozen=True, slots=True)
class _Object:
    id: str
    name: str
    size: int

    def __str__(self) -> str:
        return f"{label(self.name)} ({size_text(self.size)})"


class PruneExecutor(RemoteExecutor[EngineTarget]):
    """Removes objects one by one, by the ids of the plan; the engine refuses one that is used."""

    async def probe(self, name: str, target: EngineTarget) -> str:  # noqa: ARG002 - for a secret
        """Ask the engine for its version."""
        async with self._engine(target) as engine:
            return f"engine {await engine.version()}"

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the ids of the objects."""
        target = cast("EngineTarget", call.config)
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="docker-engine",
            parameters=dict(call.parameters),
            display="docker system df",
            request=PlannedRequest(method="GET", path="/system/df"),
            mutating=call.action.mutating,
            deadline_seconds=int(target.timeout_seconds) + 5,
        )
        if not base.mutating:
            return base
        kind = str(call.parameters["kind"])
        if kind not in target.prune:
            raise NotAllowed(REFUSED, f"{call.target} does not allow to prune {kind}")
        objects = await self._unused(target, kind)
        if len(objects) > target.max_objects:
            raise ExecutorError(
                TOO_MUCH,
                f"{len(objects)} {kind} of {call.target} are unused, and the target allows "
                f"{target.max_objects} at once",
            )
        size = sum(item.size for item in objects)
        path = f"/{kind}/{{id}}{_QUERY[kind]}"
        return base.model_copy(
            update={
                "display": f"docker {'rm' if kind == 'containers' else 'rmi'} of {call.target}",
                "request": PlannedRequest(method="DELETE", path=path),
                "steps": (f"remove the listed {kind} one by one, never by force",),
                "binding": {"kind": kind, "ids": [item.id for item in objects]},
                "touches": (
                    f"{len(objects)} unused {kind}, {size_text(size)}",
                    *listed(objects),
                ),
                "deadline_seconds": int(target.timeout_seconds) * (2 + len(objects) // 10) + 5,
            }
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Remove the planned objects; one that is in use by now stays."""
        target = cast("EngineTarget", call.config)
        if not plan.mutating:
            async with self._engine(target) as engine:
                return succeeded(_usage(await engine.json("GET", "/system/df")))
        kind, ids = str(plan.binding["kind"]), strings(plan.binding["ids"])
        removed, refused = 0, list[str]()
        async with self._engine(target) as engine:
            for identifier in ids:
                try:
                    await engine.ask("DELETE", f"/{kind}/{identifier}{_QUERY[kind]}")
                except asyncio.CancelledError:
                    raise Cancelled(f"At least {removed} {kind} were removed") from None
                except ExecutorError as error:
                    if error.code == "DOCKER_UNREACHABLE":
                        if removed:
                            raise OutcomeLost(f"{removed} {kind} were removed: {error}") from error
                        raise
                    refused.append(label(error.message))
                    continue
                removed += 1
                report_progress(f"removed {removed} {kind}", done=removed, total=len(ids))
        done = f"{call.target}: removed {removed} of {len(ids)} unused {kind}"
        return failed(f"{done}; {'; '.join(refused[:5])}") if refused else succeeded(done)

    async def _unused(self, target: EngineTarget, kind: str) -> list[_Object]:
        filters = (
            {"status": ["created", "exited", "dead"], "label": [target.container_label]}
            if kind == "containers"
            else {"dangling": ["true"]}
        )
        query = f"filters={quote(json.dumps(filters), safe='')}"
        path = "/containers/json?all=1&size=1&" if kind == "containers" else "/images/json?"
        async with self._engine(target) as engine:
            items = await engine.items(path + query)
        newest = datetime.now(UTC).timestamp() - target.min_age_hours * 3600
        try:
            return [_object(item) for item in items if int(item["Created"]) <= newest]
        except (KeyError, TypeError, ValueError) as error:
            raise ExecutorError("DOCKER_UNREADABLE", f"Docker's answer lacks {error}") from error

    def _engine(self, target: EngineTarget) -> Engine:
        return Engine(target.url, timeout_seconds=target.timeout_seconds)


_QUERY = {"containers": "?force=0&v=0", "images": "?force=0"}


def _object(item: dict[str, Any]) -> _Object:
    identifier = str(item["Id"])
    if not identifier.removeprefix("sha256:").isalnum():  # it becomes part of a URL path
        raise ValueError("a proper Id")
    names: Sequence[str] = item.get("Names") or [identifier[:19]]
    size = item.get("SizeRw") or item.get("Size") or 0
    return _Object(identifier, names[0].lstrip("/"), int(size))


def _usage(answer: dict[str, Any]) -> str:
    lines = []
    for title, key, field in (
        ("containers", "Containers", "SizeRw"),
        ("images", "Images", "Size"),
        ("build cache", "BuildCache", "Size"),
    ):
        items = answer.get(key) or []
        size = sum(int(item.get(field) or 0) for item in items)
        lines.append(f"{title}: {len(items)}, {size_text(size)}")
    volumes = answer.get("Volumes") or []
    size = sum(max(0, int((v.get("UsageData") or {}).get("Size") or 0)) for v in volumes)
    return "\n".join([*lines, f"volumes: {len(volumes)}, {size_text(size)}"])


KIND = Kind(name="docker-engine", target=EngineTarget, actions=(PRUNE, REPORT), build=PruneExecutor)
