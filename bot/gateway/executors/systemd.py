"""Units of systemd: restart, stop, start, status and the journal.

It runs `systemctl` and `journalctl` by argv: systemd promises their output for programs, and D-Bus
would need a library of its own and has no journal. A job is only enqueued and then watched, so that
the gateway itself keeps the time between SIGTERM and SIGKILL that people approved.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import cast

from bot.gateway import actions
from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors import Call, Kind, Result, failed, succeeded
from bot.gateway.executors.progress import report_progress
from bot.gateway.executors.remote import REFUSED, UNREACHABLE, RemoteExecutor, label
from bot.gateway.executors.systemd_unit import PROPERTIES, SystemdTarget, Unit, is_ours, unit_of
from bot.gateway.executors.watching import read_until
from bot.gateway.ourselves import SELF_TARGET, is_one_of_us
from bot.remediation.contract import Plan
from bot.serving.programs import Run, Stop, run

_POLL_SECONDS = 0.1
_SETTLE_SECONDS = 0.5
_OUTPUT_BYTES = 1_048_576


class SystemdExecutor(RemoteExecutor[SystemdTarget]):
    """Acts only on the declared units, each by its exact name."""

    async def probe(self, name: str, target: SystemdTarget) -> str:  # noqa: ARG002 - for a secret
        """Read the unit."""
        return (await self._unit(target)).state()

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the unit and its file. Its present run may change: that is no drift."""
        target = cast("SystemdTarget", call.config)
        unit = await self._unit(target)
        argv = _argv(call, target)
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="systemd",
            parameters=dict(call.parameters),
            display=" ".join(argv),
            command=tuple(argv),
            binding={"unit": unit.name, "file": unit.values.get("FragmentPath", "")},
            mutating=call.action.mutating,
            deadline_seconds=int(2 * target.timeout_seconds) + 5,
            current={"state": unit.state()},
        )
        if not base.mutating:
            return base
        verb, grace = call.action.verb, _grace(call)
        _check_ours(unit, verb)
        if unit.refuses(verb):
            raise ExecutorError(REFUSED, f"the file of {unit.name} forbids a {verb} by hand")
        with_it = [] if verb == "start" else unit.dependents
        ends = f", SIGKILL after {grace} s" if verb != "start" else ""
        goal = "does not run" if verb == "stop" else "is active"
        return base.model_copy(
            update={
                "steps": (
                    f"{verb} {unit.name}{ends}",
                    f"wait up to {target.start_seconds:g} s until it {goal}",
                ),
                "touches": (
                    f"{unit.name}: {unit.state()}",
                    *(f"{name} stops with it" for name in with_it[:10]),
                ),
                "deadline_seconds": int(grace + target.start_seconds + 4 * target.timeout_seconds)
                + 10,
            }
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Enqueue the job, watch it, and read the unit until it stays as it shall be."""
        target = cast("SystemdTarget", call.config)
        if call.action is actions.LOGS:
            ended = await self._program(target, list(plan.command))
            if ended.exit_code != 0 and ended.stopped is not Stop.TOO_LONG:
                raise ExecutorError(UNREACHABLE, _reason(ended))
            return succeeded(ended.stdout.decode(errors="replace"), tail=True)
        before = await self._unit(target)
        if call.action is actions.STATUS:
            restarts = before.values.get("NRestarts", "0")
            return succeeded(f"{call.target}: {before.state()}, restarts: {restarts}")
        _check_ours(before, call.action.verb)
        file = before.values.get("FragmentPath", "")
        if {"unit": before.name, "file": file} != plan.binding:
            raise ExecutorError("PLAN_DRIFT", f"{target.unit} has another file by now")
        verb = call.action.verb
        if (verb, before.active) in (("start", "active"), ("stop", "inactive")):
            return succeeded(f"{call.target} was {before.state()} already")
        ended = await self._program(target, list(plan.command), changes=True)
        if ended.exit_code != 0:
            raise ExecutorError(REFUSED, _reason(ended))
        try:
            return await self._awaited(call, target, before)
        except ExecutorError as error:
            raise OutcomeLost(f"{call.target} was told to {verb}, then: {error.message}") from error

    async def _awaited(self, call: Call, target: SystemdTarget, before: Unit) -> Result:
        """Watch the job; kill what does not end in the time that was approved."""
        loop = asyncio.get_running_loop()
        began, killed, since = loop.time(), False, 0.0
        verb, grace = call.action.verb, _grace(call)
        end = began + grace + target.start_seconds
        while True:
            unit = await read_until(end, _POLL_SECONDS, lambda: self._unit(target))
            spent = loop.time() - began
            old_run = unit.invocation == before.invocation and unit.active == "deactivating"
            if old_run and verb != "start" and spent >= grace and not killed:
                killed = True
                report_progress(f"{unit.name} did not end in {grace} s: SIGKILL")
                kill = ["systemctl", "kill", "--signal=SIGKILL", "--", unit.name]
                await self._program(target, kill, changes=True)
            reached = _reached(verb, unit, before)
            since = since or spent if reached else 0.0
            if reached and (verb == "stop" or spent - since >= _SETTLE_SECONDS):
                hard = " (SIGKILL)" if killed else ""
                return succeeded(f"{call.target} {verb}: {unit.state()}{hard}")
            has_failed = unit.active == "failed" and not unit.busy and verb != "stop"
            if has_failed or loop.time() >= end:
                return failed(f"{call.target} {verb}: {unit.state()} after {spent:.1f} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def _unit(self, target: SystemdTarget) -> Unit:
        argv = ["systemctl", "show", f"--property={','.join(PROPERTIES)}"]
        ended = await self._program(target, [*argv, "--", target.unit])
        if ended.exit_code != 0:
            raise ExecutorError(UNREACHABLE, _reason(ended))
        unit = unit_of(ended.stdout.decode(errors="replace"))
        if not unit.loaded:
            raise ExecutorError("NO_UNIT", f"No such unit: {target.unit}")
        if unit.name != target.unit:
            raise ExecutorError(REFUSED, f"{target.unit} is another name of {label(unit.name)}")
        return unit

    async def _program(
        self, target: SystemdTarget, argv: list[str], *, changes: bool = False
    ) -> Run:
        try:
            ended = await run(
                argv,
                b"",
                env={"PATH": self._setup.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                timeout=target.timeout_seconds,
                max_output=_OUTPUT_BYTES,
                cwd=Path("/"),
            )
        except OSError as error:
            raise ExecutorError(UNREACHABLE, f"{argv[0]}: {error.strerror}") from error
        if ended.stopped is Stop.DEADLINE:
            message = f"{argv[0]} did not answer in {target.timeout_seconds:g} s"
            if changes:
                raise OutcomeLost(f"{message}; it may have been done")
            raise ExecutorError(UNREACHABLE, message)
        return ended


def _reached(verb: str, unit: Unit, before: Unit) -> bool:
    if unit.busy:
        return False
    if verb == "stop":
        return unit.active in ("inactive", "failed")
    if unit.active == "inactive":  # systemd forgets the run of a oneshot that has ended
        return unit.values.get("Type") == "oneshot"
    is_new_run = verb == "start" or unit.invocation != before.invocation
    return is_new_run and unit.active == "active"


def _check_ours(unit: Unit, verb: str) -> None:
    """Refuse a unit in which the gateway, its caller or the bot runs, or with which one stops."""
    group = unit.values.get("ControlGroup", "")
    own = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    inside = [line.partition("::")[2] or line.rpartition(":")[2] for line in own]
    if (group and any(path == group or path.startswith(f"{group}/") for path in inside)) or (
        unit.pid and is_one_of_us([unit.pid])
    ):
        raise ExecutorError(SELF_TARGET, f"{unit.name} is the bot or its gateway")
    own_units = {part for path in inside for part in path.split("/")}
    for name in unit.dependents if verb != "start" else ():
        if is_ours(name) or name in own_units:
            raise ExecutorError(SELF_TARGET, f"{name} is the bot or its gateway, and stops with it")


def _argv(call: Call, target: SystemdTarget) -> list[str]:
    if call.action is actions.LOGS:
        lines = call.parameters["lines"]
        options = ["--no-pager", "--quiet", "--output=short-iso", f"--lines={lines}"]
        return ["journalctl", *options, f"--unit={target.unit}"]
    if call.action is actions.STATUS:
        return ["systemctl", "show", "--", target.unit]
    options = ["--no-ask-password", "--no-block"]
    return ["systemctl", call.action.verb, *options, "--", target.unit]


def _grace(call: Call) -> int:
    return int(call.parameters.get("grace_seconds", 0))


def _reason(ended: Run) -> str:
    text = ended.stderr.decode(errors="replace") or f"exit code {ended.exit_code}"
    return f"systemd: {label(text, 300)}"


KIND = Kind(
    name="systemd",
    target=SystemdTarget,
    actions=(actions.RESTART, actions.STOP, actions.START, actions.STATUS, actions.LOGS),
    build=SystemdExecutor,
)
