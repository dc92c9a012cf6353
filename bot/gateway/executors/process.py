"""Processes that the gateway itself starts, supervises and restarts."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from bot.gateway import actions
from bot.gateway.errors import ExecutorError
from bot.gateway.executors import Call, Check, Kind, Result, Setup, failed, succeeded
from bot.gateway.executors.process_target import ProcessTarget
from bot.gateway.executors.supervisor import Start, Supervisor, output_of
from bot.gateway.ourselves import SELF_TARGET, is_one_of_us
from bot.gateway.state_dir import plan_key
from bot.remediation.contract import Plan, canonical_json
from bot.serving import process_tree
from bot.serving.process_tree import birth_of

log = logging.getLogger(__name__)

_MARK = "SOPBOT_GATEWAY_TARGET"
_SLACK_SECONDS = 15  # for the kill, the last probe and the journal
_READ_SECONDS = 10
_FAILURE_LOG_LINES = 20


class ProcessExecutor:
    """Supervises the declared processes. Their output goes to `state_dir`/logs/<name>.log."""

    def __init__(self, setup: Setup) -> None:
        self._targets: Mapping[str, ProcessTarget] = setup.targets
        self._state_dir = setup.state_dir
        self._logs = setup.state_dir / "logs"
        self._log_bytes = setup.limits.log_bytes
        self._stop_seconds = setup.limits.stop_seconds
        self._journal = setup.journal
        self._environ = setup.environ
        self._session: aiohttp.ClientSession | None = None
        self._supervisors: dict[str, Supervisor] = {}

    async def start(self) -> None:
        """End processes that a killed gateway left running, then start the targets with
        autostart.
        """
        self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key = plan_key(self._state_dir)
        for child in await self._journal.children():
            same = child.started and birth_of(child.pid) == child.started
            tree = process_tree.Tree(child.pid if same else 0, self._mark_of(child.target))
            if (await process_tree.end(tree, grace=self._stop_seconds)).count:
                log.warning("ended %s (pid %d) of an earlier gateway", child.target, child.pid)
            await self._journal.drop_child(child.target)
        # No connection is kept: a probe must reach the current process, not the previous one.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        for name, config in self._targets.items():
            await self._supervise(name, config, self._session)

    async def _supervise(
        self, name: str, config: ProcessTarget, session: aiohttp.ClientSession
    ) -> None:
        supervisor = Supervisor(
            name,
            config,
            output=output_of(name, self._logs, self._log_bytes),
            journal=self._journal,
            session=session,
            environ=self._environ,
            mark=self._mark_of(name),
        )
        self._supervisors[name] = supervisor
        if config.autostart:
            try:
                await supervisor.spawn(config.argv)
            except ExecutorError as error:
                log.error("%s", error)  # the gateway stays up to restart the others

    async def exchange(self, setup: Setup) -> None:
        """End removed targets and start new ones; a changed target changes at its next restart."""
        new_targets: Mapping[str, ProcessTarget] = setup.targets
        for name in self._targets.keys() - new_targets.keys():
            await self._supervisors.pop(name).stop(self._stop_seconds)
        assert self._session is not None  # noqa: S101 - `start` comes before
        for name, config in new_targets.items():
            if name in self._supervisors:
                self._supervisors[name].take_on(config, self._environ)
            else:
                await self._supervise(name, config, self._session)
        self._targets = new_targets

    async def stop(self) -> None:
        """End every process, all at once."""
        await asyncio.gather(
            *(supervisor.stop(self._stop_seconds) for supervisor in self._supervisors.values())
        )
        if self._session is not None:
            await self._session.close()

    async def check(self) -> Check:
        """Stay healthy while a process is down: the gateway is there to restart it."""
        running = sum(1 for supervisor in self._supervisors.values() if supervisor.pid)
        return Check(True, f"ok: {len(self._supervisors)} declared, {running} running")

    async def check_target(self, name: str) -> Check:
        """Tell the state; a process that is down can be started."""
        return Check(True, f"{name}: {self._supervisors[name].state()}")

    async def plan(self, call: Call) -> Plan:
        """Plan the declared argv; the present state goes to `touches` and `current`, outside the
        digest.
        """
        supervisor, config = self._of(call)
        if supervisor.pid:
            running = await asyncio.to_thread(process_tree.members, supervisor.tree)
            if await asyncio.to_thread(is_one_of_us, running):
                raise ExecutorError(SELF_TARGET, f"{call.target} is the bot or its gateway")
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
        if not base.mutating:
            return base
        change = _change(call, supervisor, config)
        change["binding"] = {
            "cwd": str(config.cwd or ""),
            "user": config.user,
            "env": ",".join(sorted(config.env)),
            # The values may be secret and a plan leaves this process, so the digest needs the
            # gateway's key.
            "env_values": hmac.new(
                self._key, canonical_json(supervisor.env), hashlib.sha256
            ).hexdigest(),
        }
        return base.model_copy(update=change)

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
        if call.action.id == "service.stats":
            return await self._stats(supervisor)
        if call.action.id == "service.status":
            health = await supervisor.health() if supervisor.pid else ""
            parts = [f"{call.target}: {supervisor.state()}"]
            parts += [f"restarts: {supervisor.restarts}"]
            parts += [f"health: {health}"] if health else []
            return succeeded(", ".join(parts))
        lines = int(call.parameters["lines"])
        text = await asyncio.to_thread(supervisor.logs, lines)
        return succeeded(text, tail=True)

    async def _stats(self, supervisor: Supervisor) -> Result:
        if not supervisor.pid:
            return succeeded(f"{supervisor.name}: {supervisor.state()}")
        usage = await asyncio.to_thread(process_tree.usage, supervisor.tree)
        return succeeded(
            f"{supervisor.name}: {supervisor.state()}, processes: {usage.processes}, "
            f"memory: {usage.memory_bytes / 2**20:.1f} MiB, CPU time: {usage.cpu_seconds:.1f} s"
        )

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

    def _mark_of(self, target: str) -> str:
        """Return the variable that marks everything a target started, so a later gateway can find
        it.
        """
        ours = f"{self._state_dir.resolve()}\n{target}".encode()
        return f"{_MARK}={hashlib.sha256(ours).hexdigest()[:32]}"

    def _of(self, call: Call) -> tuple[Supervisor, ProcessTarget]:
        return self._supervisors[call.target], self._targets[call.target]


def _change(call: Call, supervisor: Supervisor, config: ProcessTarget) -> dict[str, Any]:
    """Return the plan's fields for a restart, a stop or a start."""
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
        "deadline_seconds": int(grace + config.start_seconds) + _SLACK_SECONDS,
        "touches": (f"process {target}: {supervisor.state()}",),
    }


async def _stop(supervisor: Supervisor, grace_seconds: float) -> Result:
    """Stop it. It stays down until somebody starts it: the gateway starts nothing by itself."""
    before = supervisor.state()
    if not supervisor.pid:
        return succeeded(f"{supervisor.name} was not running: {before}")
    await supervisor.stop(grace_seconds)
    return succeeded(f"{supervisor.name} stopped: was {before}")


async def _up(supervisor: Supervisor, started: Start, did: str, was: str) -> Result:
    name = supervisor.name
    if started.problem:
        tail = await asyncio.to_thread(supervisor.logs, _FAILURE_LOG_LINES)
        last_lines = f"\nIts last lines:\n{tail}" if tail else ""
        return failed(f"{name} {did} ({was}), but {started.problem}{last_lines}")
    how = "healthy" if supervisor.config.health_url else "running"
    return succeeded(f"{name} {did}: {was}, {how} after {started.seconds:.1f} s")


KIND = Kind(
    name="process",
    target=ProcessTarget,
    actions=(
        actions.RESTART,
        actions.STOP,
        actions.START,
        actions.STATUS,
        actions.STATS,
        actions.LOGS,
    ),
    build=ProcessExecutor,
)
