"""Compose projects through the Docker Engine API, by the labels that Compose gives its containers.

The `docker compose` command is not used: it needs the project's file and its plugin beside the
gateway, and would apply whatever else has changed in that file.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, cast
from urllib.parse import quote

from bot.gateway import actions
from bot.gateway.errors import ExecutorError, NotAllowed, OutcomeLost
from bot.gateway.executors import Call, Kind, Result, failed, succeeded
from bot.gateway.executors.compose_project import (
    ComposeTarget,
    Member,
    copy_of,
    member_of,
    members_of,
)
from bot.gateway.executors.engine import Engine, demultiplexed
from bot.gateway.executors.progress import report_progress
from bot.gateway.executors.remote import REFUSED, RemoteExecutor, allowed_replicas, label
from bot.gateway.ourselves import SELF_TARGET, is_our_container
from bot.remediation.contract import Plan, PlannedRequest, TypedAction

_POLL_SECONDS = 0.1
_SETTLE_SECONDS = 0.5
_LOG_CONTAINERS = 10
_SCALE_GRACE = 10

Step = tuple[str, Callable[[], Awaitable[str]]]
"""A container's name, and the change of it, which returns what became of the container."""


class ComposeExecutor(RemoteExecutor[ComposeTarget]):
    """Acts only on containers with the labels of the declared project."""

    async def probe(self, name: str, target: ComposeTarget) -> str:  # noqa: ARG002 - for a secret
        """Count the containers."""
        async with self._engine(target) as engine:
            return _summary(await members_of(engine, target))

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the ids of the project's containers."""
        target = cast("ComposeTarget", call.config)
        async with self._engine(target) as engine:
            members = await members_of(engine, target)
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="compose",
            parameters=dict(call.parameters),
            display=_display(call, target),
            request=PlannedRequest(method="GET", path="/containers/json"),
            binding={member.name: member.id for member in members},
            mutating=call.action.mutating,
            deadline_seconds=int((len(members) + 2) * target.timeout_seconds) + 5,
            current={"state": _summary(members)},
        )
        if not base.mutating:
            return base
        for member in members:
            if await asyncio.to_thread(is_our_container, member.id, member.pid):
                raise ExecutorError(SELF_TARGET, f"{member.name} is the bot or its gateway")
        steps = _scale_steps(call, target, members) or _steps(call, members)
        each = target.start_seconds + 2 * target.timeout_seconds + _grace(call)
        inverse = TypedAction(id=call.action.id, parameters={"replicas": len(members)})
        return base.model_copy(
            update={
                "request": PlannedRequest(method="POST", path="/containers"),
                "steps": tuple(steps),
                "inverse": inverse if call.action is actions.SCALE else None,
                "touches": tuple(f"{m.name}: {m.state()}" for m in members[:10]),
                "deadline_seconds": int((len(steps) + 1) * each) + 10,
            }
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Work on one container after the other; end at the first that fails."""
        target = cast("ComposeTarget", call.config)
        async with self._engine(target) as engine:
            members = await members_of(engine, target)
            if {member.name: member.id for member in members} != plan.binding:
                raise ExecutorError("PLAN_DRIFT", f"{call.target} has other containers by now")
            if call.action is actions.STATUS:
                lines = [f"{member.name}: {member.state()}" for member in members]
                return succeeded("\n".join([_summary(members), *lines]))
            if call.action is actions.LOGS:
                return await _logs(engine, members, int(call.parameters["lines"]))
            changes = _Changes(engine, target, call)
            is_scale = call.action is actions.SCALE
            return await _done(
                call, changes.scale(members) if is_scale else changes.switch(members)
            )

    def _engine(self, target: ComposeTarget) -> Engine:
        return Engine(target.url, timeout_seconds=target.timeout_seconds)


async def _done(call: Call, steps: Sequence[Step]) -> Result:
    """Do the steps in order. After the first of them, an error no longer means: nothing was run."""
    done: list[str] = []
    for name, change in steps:
        report_progress(f"{call.action.verb}: {name}", done=len(done), total=len(steps))
        try:
            done.append(await change())
        except ExecutorError as error:
            if not done:
                raise
            rest = f"{len(done)} of {len(steps)} done: {'; '.join(done)}"
            return failed(f"{name}: {error.message}. {rest}")
        except _NotReachedError as error:
            rest = f"; {len(done)} of {len(steps)} before it are done" if done else ""
            return failed(f"{error}{rest}")
    return succeeded(f"{call.target} {call.action.verb}: {'; '.join(done) or 'as it was already'}")


class _NotReachedError(Exception):
    """The container was changed, and is not as the plan says."""


class _Changes:
    """The changes of one call."""

    def __init__(self, engine: Engine, target: ComposeTarget, call: Call) -> None:
        self._engine, self._target, self._call = engine, target, call

    def switch(self, members: Sequence[Member]) -> list[Step]:
        """Return the steps of a restart, stop or start; those that need others stop first."""
        verb = self._call.action.verb
        if verb == "stop":
            members = list(reversed(members))
        if verb != "restart":
            members = [member for member in members if member.running == (verb == "stop")]
        return [(member.name, partial(self._switch, member, verb)) for member in members]

    def scale(self, members: Sequence[Member]) -> list[Step]:
        """Return the steps that copy the first container, or remove the highest numbers."""
        replicas = int(self._call.parameters["replicas"])
        ordered = sorted(members, key=lambda member: member.number)
        if replicas < len(ordered):
            surplus = reversed(ordered[replicas:])
            return [(m.name, partial(self._remove, m)) for m in surplus]
        used = {member.number for member in ordered}
        free = (number for number in range(1, 2 * replicas + 1) if number not in used)
        missing = [next(free) for _ in range(replicas - len(ordered))]
        copies = [copy_of(ordered[0], number) for number in missing]
        stopped = [m for m in ordered if not m.running]
        starts: list[Step] = [(m.name, partial(self._switch, m, "start")) for m in stopped]
        return starts + [(n, partial(self._create, n, b)) for n, b in copies]

    async def _switch(self, member: Member, verb: str) -> str:
        grace = _grace(self._call)
        query = "" if verb == "start" else f"?t={grace}"
        path = f"/containers/{member.id}/{verb}{query}"
        await self._engine.ask("POST", path, extra_seconds=grace)
        if verb == "stop":
            after = await self._inspect(member)
            if after.running:
                raise _NotReachedError(f"{member.name} was stopped, but is {after.state()}")
            return f"{member.name} {after.state()}"
        return await self._up(member)

    async def _create(self, name: str, body: dict[str, Any]) -> str:
        path = f"/containers/create?name={quote(name, safe='')}"
        answer = json.loads(await self._engine.ask("POST", path, body=body))
        member = await self._inspect(Member(str(answer["Id"]), {"Name": f"/{name}"}))
        try:
            await self._engine.ask("POST", f"/containers/{member.id}/start")
        except ExecutorError as error:
            raise _NotReachedError(f"{name} was created, not started: {error.message}") from error
        return await self._up(member)

    async def _remove(self, member: Member) -> str:
        path = f"/containers/{member.id}"
        await self._engine.ask("POST", f"{path}/stop?t={_SCALE_GRACE}", extra_seconds=_SCALE_GRACE)
        try:
            await self._engine.ask("DELETE", path)
        except ExecutorError as error:
            raise _NotReachedError(
                f"{member.name} was stopped, not removed: {error.message}"
            ) from error
        return f"{member.name} removed"

    async def _up(self, member: Member) -> str:
        """Wait until it runs and is healthy."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            seen = await self._inspect(member)
            spent = loop.time() - began
            settled = seen.running and not seen.health and spent >= _SETTLE_SECONDS
            if seen.health == "healthy" or settled:
                return f"{member.name} {seen.state()}"
            ended = not seen.running and spent >= _SETTLE_SECONDS
            if ended or seen.health == "unhealthy" or spent >= self._target.start_seconds:
                raise _NotReachedError(f"{member.name} is {seen.state()} after {spent:.1f} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def _inspect(self, member: Member) -> Member:
        try:
            return await member_of(self._engine, member.id)
        except ExecutorError as error:
            raise OutcomeLost(
                f"{member.name} was told to {self._call.action.verb}, then: {error.message}"
            ) from error


async def _logs(engine: Engine, members: Sequence[Member], lines: int) -> Result:
    texts = []
    for member in members[:_LOG_CONTAINERS]:
        path = f"/containers/{member.id}/logs?stdout=1&stderr=1&follow=0&tail={lines}"
        data = await engine.ask("GET", path)
        text = data.decode(errors="replace") if member.tty else "".join(demultiplexed(data))
        texts.append(f"== {member.name}\n{text.rstrip()}")
    return succeeded("\n".join(texts), tail=True)


def _steps(call: Call, members: Sequence[Member]) -> list[str]:
    verb = call.action.verb
    names = [member.name for member in members]
    return [f"{verb} {name}" for name in (reversed(names) if verb == "stop" else names)]


def _scale_steps(call: Call, target: ComposeTarget, members: Sequence[Member]) -> list[str]:
    """Return the steps of a scale, nothing for another action. ExecutorError refuses it."""
    if call.action is not actions.SCALE:
        return []
    if not target.service:
        raise NotAllowed(REFUSED, f"{call.target} is a whole project; declare one service")
    replicas = allowed_replicas(call, target.min_replicas, target.max_replicas)
    ordered = sorted(members, key=lambda member: member.number)
    change = f"change {len(members)} containers to {replicas}"
    if replicas <= len(members):
        return [change, *(f"stop and remove {m.name}" for m in reversed(ordered[replicas:]))]
    copy_of(ordered[0], 0)  # refuses a service of which only one container can exist
    copies = range(replicas - len(members))
    return [change, *(f"copy {ordered[0].name}, and wait until the copy runs" for _ in copies)]


def _grace(call: Call) -> int:
    return int(call.parameters.get("grace_seconds", 0))


def _summary(members: Sequence[Member]) -> str:
    running = sum(member.running for member in members)
    services = ", ".join(sorted({label(member.service) for member in members})[:20])
    return f"{running} of {len(members)} containers run ({services})"


def _display(call: Call, target: ComposeTarget) -> str:
    """Return the command of `docker compose` that does the same."""
    verb, service = call.action.verb, f" {target.service}" if target.service else ""
    base = f"docker compose -p {target.project}"
    if call.action is actions.SCALE:
        return f"{base} scale {target.service}={call.parameters['replicas']}"
    if call.action is actions.LOGS:
        return f"{base} logs --tail {call.parameters['lines']}{service}"
    if call.action is actions.STATUS:
        return f"{base} ps --all{service}"
    grace = f" --timeout {_grace(call)}" if verb != "start" else ""
    return f"{base} {verb}{grace}{service}"


KIND = Kind(
    name="compose",
    target=ComposeTarget,
    actions=(
        actions.RESTART,
        actions.STOP,
        actions.START,
        actions.SCALE,
        actions.STATUS,
        actions.LOGS,
    ),
    build=ComposeExecutor,
)
