"""Declared commands: runs an operator's own argv for a target of any kind."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from bot.gateway.commands import Command, DeclaredAction, ParameterName, arguments, filled
from bot.gateway.errors import Cancelled, ExecutorError
from bot.gateway.executors import Call, Check, Kind, Result, Setup, failed
from bot.gateway.executors.progress import report_progress
from bot.gateway.ourselves import SELF_TARGET, runs_us
from bot.gateway.parts import Argument, Target
from bot.gateway.state_dir import plan_key
from bot.remediation.contract import OUTPUT_LIMIT_CHARS, Plan, canonical_json
from bot.serving.programs import Run, Stop, run

_SLACK_SECONDS = 10
_OUTPUT_BYTES = 1_048_576


class CommandTarget(Target):
    """A target on which only declared commands act.

    A command uses a value as `{target.host}`.
    """

    executor: Literal["command"]
    values: dict[ParameterName, Argument] = Field(default_factory=dict)


class CommandExecutor:
    """Runs declared commands, one program at a time for each call."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._key = b""

    async def start(self) -> None:
        """Read the key of the plans."""
        self._key = plan_key(self._setup.state_dir)

    async def stop(self) -> None:
        """Nothing to close: a program ends with its execution."""

    async def exchange(self, setup: Setup) -> None:
        """Use the reloaded targets."""
        self._setup = setup

    async def check(self) -> Check:
        """Programs of this machine can always be started."""
        return Check(True, "ok: declared commands")

    async def check_target(self, name: str) -> Check:
        """Return the same for every target."""
        return Check(True, f"{name}: declared commands")

    async def plan(self, call: Call) -> Plan:
        """Return the exact argv. The digest covers its variables and user too."""
        command, values = _command_of(call), _values_of(call)
        argv = arguments(command.argv, values, _options(command))
        check = arguments(command.verify.argv, values, _options(command)) if command.verify else []
        if runs_us(argv) or runs_us(check):
            raise ExecutorError(SELF_TARGET, "the command starts the bot or its gateway")
        steps = [filled(command.plan, values)] if command.plan else []
        if command.user:
            steps.append(f"as the user {command.user}")
        if check:
            steps.append(f"then {shlex.join(check)} must end with 0")
        return Plan(
            action=call.action.id,
            target=call.target,
            executor="command",
            parameters=dict(call.parameters),
            display=shlex.join(argv),
            command=tuple(argv),
            steps=tuple(steps),
            binding={
                "user": command.user,
                "cwd": str(command.cwd or "/"),
                "env": ",".join(sorted(command.env)),
                # A plan leaves this process, and the values may be secret.
                "env_values": hmac.new(
                    self._key, canonical_json(command.env), hashlib.sha256
                ).hexdigest(),
                "pass_env": list(command.pass_env),
            },
            touches=(call.target,),
            deadline_seconds=int(
                command.timeout_seconds
                + (command.verify.timeout_seconds if command.verify else 0)
                + _SLACK_SECONDS
            ),
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Run the planned argv, then the declared check."""
        command = _command_of(call)
        try:
            ended = await self._program(command, plan.command, command.timeout_seconds)
        except asyncio.CancelledError:
            raise Cancelled(
                f"{plan.display}: the program and everything it started were ended. "
                "What it had done by then stays."
            ) from None
        if (result := _result_of(ended, command.timeout_seconds)).status != "SUCCESS":
            return result
        if command.verify is None:
            return result
        check = arguments(command.verify.argv, _values_of(call), _options(command))
        report_progress(f"checks: {shlex.join(check)}")
        try:
            verdict = await self._program(command, check, command.verify.timeout_seconds)
        except asyncio.CancelledError:
            raise Cancelled(f"{plan.display} ended with 0; its check was cancelled.") from None
        except ExecutorError as error:  # the command itself ran
            return failed(
                f"{plan.display} ended with 0, but its check cannot run: {error.message}",
                stdout=result.stdout,
            )
        if verdict.exit_code == 0 and verdict.stopped is None:
            return result
        why = (verdict.stderr or verdict.stdout).decode(errors="replace").strip()
        return failed(
            f"{plan.display} ended with 0, but its check {shlex.join(check)} did not: {why}",
            stdout=result.stdout,
        )

    async def _program(self, command: Command, argv: Sequence[str], seconds: float) -> Run:
        environ = self._setup.environ
        passed = {name: environ[name] for name in command.pass_env if name in environ}
        try:
            return await run(
                argv,
                b"",
                env=passed | command.env,
                timeout=seconds,
                max_output=_OUTPUT_BYTES,
                cwd=command.cwd or Path("/"),
                user=command.user,
                on_line=report_progress,
            )
        except OSError as error:
            raise ExecutorError("START_FAILED", f"{argv[0]}: {error.strerror}") from error


def _result_of(ended: Run, seconds: float) -> Result:
    stdout = ended.stdout.decode(errors="replace")
    stderr = ended.stderr.decode(errors="replace")
    if ended.stopped is Stop.DEADLINE:
        return failed(f"ended after {seconds:g} s, its limit. {stderr}", stdout=stdout)
    if ended.stopped is Stop.TOO_LONG:
        limit = f"ended: its output passed {_OUTPUT_BYTES} bytes"
        return failed(limit, stdout=stdout[:OUTPUT_LIMIT_CHARS])
    code = ended.exit_code
    if code == 0:
        return Result("SUCCESS", 0, stdout, stderr)
    if code is None or code < 0:
        how = "its exit code is unknown" if code is None else f"killed by signal {-code}"
        return failed(f"{how}. {stderr}", stdout=stdout)
    return failed(stderr, stdout=stdout, exit_code=code)


def _command_of(call: Call) -> Command:
    if not isinstance(call.action, DeclaredAction):
        raise ExecutorError("NO_COMMAND", f"{call.action.id} is no declared command")
    return call.action.command


def _values_of(call: Call) -> Mapping[str, str]:
    values = {name: str(value) for name, value in call.parameters.items()}
    if isinstance(call.config, CommandTarget):
        values |= {f"target.{name}": value for name, value in call.config.values.items()}
    return values | {"target": call.target}


def _options(command: Command) -> frozenset[str]:
    return frozenset(n for n, p in command.parameters.items() if p.may_be_option)


KIND = Kind(name="command", target=CommandTarget, actions=(), build=CommandExecutor)
