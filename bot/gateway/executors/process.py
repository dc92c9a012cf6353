"""Processes that the gateway itself starts, watches and restarts."""

from __future__ import annotations

import asyncio
import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from bot.gateway.catalogue import Call
from bot.gateway.config import ProcessTarget
from bot.gateway.errors import ExecutorError
from bot.gateway.executors import Check, Result, failed, succeeded
from bot.gateway.executors.groups import birth_of, end_group
from bot.gateway.executors.supervisor import Start, Supervisor, output_of
from bot.gateway.journal import Journal
from bot.remediation.contract import Plan

log = logging.getLogger(__name__)

_SLACK_SECONDS = 15  # for the kill, the last probe and the journal
_READ_SECONDS = 10
_FAILURE_LOG_LINES = 20


class ProcessExecutor:
    """Supervises the declared processes. Their output goes to `state_dir`/logs/<name>.log."""

    def __init__(
        self,
        targets: Mapping[str, ProcessTarget],
        *,
        state_dir: Path,
        log_bytes: int,
        stop_seconds: float,
        journal: Journal,
        environ: Mapping[str, str],
    ) -> None:
        self._targets = targets
        self._logs = state_dir / "logs"
        self._log_bytes = log_bytes
        self._stop_seconds = stop_seconds
        self._journal = journal
        self._environ = environ
        self._session: aiohttp.ClientSession | None = None
        self._supervisors: dict[str, Supervisor] = {}

    async def start(self) -> None:
        """End what a killed gateway left running, then start what starts by itself."""
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        for child in await self._journal.children():
            if child.started and birth_of(child.pid) == child.started:
                log.warning("ending %s (pid %d) of an earlier gateway", child.target, child.pid)
                await end_group(child.pid, self._stop_seconds)
            await self._journal.drop_child(child.target)
        # No connection is kept: a probe asks the process that runs now, not the one before it.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        for name, config in self._targets.items():
            supervisor = Supervisor(
                name,
                config,
                output=output_of(name, self._logs, self._log_bytes),
                journal=self._journal,
                session=self._session,
                environ=self._environ,
            )
            self._supervisors[name] = supervisor
            if config.autostart:
                try:
                    await supervisor.spawn(config.argv)
                except ExecutorError as error:
                    log.error("%s", error)  # the gateway stays up to restart the others

    async def stop(self) -> None:
        """End every process, all at once."""
        await asyncio.gather(
            *(supervisor.stop(self._stop_seconds) for supervisor in self._supervisors.values())
        )
        if self._session is not None:
            await self._session.close()

    async def check(self) -> Check:
        """A process that is down does not make the gateway unhealthy: it is there to restart it."""
        running = sum(1 for supervisor in self._supervisors.values() if supervisor.pid)
        return Check(True, f"ok: {len(self._supervisors)} declared, {running} running")

    async def plan(self, call: Call) -> Plan:
        """The declared argv; what runs now goes to `touches` and `current`, outside the digest."""
        supervisor, config = self._of(call)
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="process",
            parameters=dict(call.parameters),
            display=f"{call.action.verb} of process {call.target}",
            mutating=call.action.mutating,
            deadline_seconds=_READ_SECONDS,
            current={"state": supervisor.state(), "restarts": supervisor.restarts},
        )
        return base.model_copy(update=_change(call, supervisor, config)) if base.mutating else base

    async def run(self, call: Call, plan: Plan) -> Result:
        """Restart, stop, start, status or logs, through the supervisor."""
        supervisor, _ = self._of(call)
        if call.action.id == "service.restart":
            grace = float(call.parameters["grace_seconds"])
            return await self._restart(supervisor, plan.command, grace)
        if call.action.id == "service.stop":
            return await _stop(supervisor, float(call.parameters["grace_seconds"]))
        if call.action.id == "service.start":
            return await self._start(supervisor, plan.command)
        if call.action.id == "service.status":
            health = await supervisor.health() if supervisor.pid else ""
            parts = [f"{call.target}: {supervisor.state()}"]
            parts += [f"restarts: {supervisor.restarts}"]
            parts += [f"health: {health}"] if health else []
            return succeeded(", ".join(parts))
        lines = int(call.parameters["lines"])
        text = await asyncio.to_thread(supervisor.logs, lines)
        return succeeded(text, tail=True)

    async def _restart(
        self, supervisor: Supervisor, argv: Sequence[str], grace_seconds: float
    ) -> Result:
        name, old, before = supervisor.name, supervisor.pid, supervisor.state()
        await supervisor.stop(grace_seconds)
        try:
            started = await supervisor.start(argv)
        except ExecutorError as error:
            return failed(f"{name} was stopped and could not be started: {error.message}")
        finally:
            supervisor.restarts += 1
        was = f"pid {old} → {started.pid}" if old else f"was {before}, now pid {started.pid}"
        return await _up(supervisor, started, "restarted", was)

    async def _start(self, supervisor: Supervisor, argv: Sequence[str]) -> Result:
        if supervisor.pid:
            return succeeded(f"{supervisor.name} was {supervisor.state()} already")
        try:
            started = await supervisor.start(argv)
        except ExecutorError as error:
            return failed(error.message)
        return await _up(supervisor, started, "started", f"pid {started.pid}")

    def _of(self, call: Call) -> tuple[Supervisor, ProcessTarget]:
        return self._supervisors[call.target], self._targets[call.target]


def _change(call: Call, supervisor: Supervisor, config: ProcessTarget) -> dict[str, Any]:
    """What is different in the plan of a restart, a stop or a start."""
    verb, target = call.action.verb, call.target
    grace = int(call.parameters.get("grace_seconds", 0))
    where = f" in {config.cwd}" if config.cwd else ""
    ready = (
        f"wait up to {config.start_seconds:g} s until GET {config.health_url} answers 2xx"
        if config.health_url
        else "check that it still runs a moment later"
    )
    stops = (
        f"SIGTERM to the process group of {target}",
        f"after {grace} s SIGKILL to what is left of it",
    )
    starts = (f"start {shlex.join(config.argv)}{where}", ready)
    return {
        "display": f"{verb} process {target}",
        "command": () if verb == "stop" else tuple(config.argv),
        "steps": (*(stops if verb != "start" else ()), *(starts if verb != "stop" else ())),
        "binding": {"cwd": str(config.cwd or ""), "env": ",".join(sorted(config.env))},
        "reversible": bool(call.action.inverse),
        "deadline_seconds": int(grace + config.start_seconds) + _SLACK_SECONDS,
        "touches": (f"process {target}: {supervisor.state()}",),
    }


async def _stop(supervisor: Supervisor, grace_seconds: float) -> Result:
    """It stays down until somebody starts it: the gateway starts nothing by itself."""
    before = supervisor.state()
    if not supervisor.pid:
        return succeeded(f"{supervisor.name} was not running: {before}")
    await supervisor.stop(grace_seconds)
    return succeeded(f"{supervisor.name} stopped: was {before}")


async def _up(supervisor: Supervisor, started: Start, did: str, was: str) -> Result:
    name = supervisor.name
    if started.problem:
        tail = await asyncio.to_thread(supervisor.logs, _FAILURE_LOG_LINES)
        said = f"\nIts last lines:\n{tail}" if tail else ""
        return failed(f"{name} {did} ({was}), but {started.problem}{said}")
    how = "healthy" if supervisor.config.health_url else "running"
    return succeeded(f"{name} {did}: {was}, {how} after {started.seconds:.1f} s")
