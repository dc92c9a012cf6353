"""The executor of SSH targets. Needs asyncssh.

SSH sends one line, which the user's shell reads at the other end. So every argument is quoted for a
POSIX shell, and only values that fit their declared pattern get into an argument.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
from collections.abc import AsyncIterator
from typing import Any, cast

import asyncssh

from bot.gateway.commands import arguments
from bot.gateway.errors import NotAllowed, OutcomeLost
from bot.gateway.executors import Call, Result, failed
from bot.gateway.executors.remote import REFUSED, RemoteExecutor, label, unreachable
from bot.gateway.executors.ssh_target import RUN, SshCommand, SshTarget
from bot.remediation.contract import Plan, TypedAction

_OUTPUT_BYTES = 262_144
_SLACK_SECONDS = 10


class SshExecutor(RemoteExecutor[SshTarget]):
    """Runs exactly the declared commands."""

    async def probe(self, name: str, target: SshTarget) -> str:
        """Log in, and run nothing."""
        async with self._connected(name, target) as connection:
            return label(connection.get_extra_info("server_version") or "connected")

    async def plan(self, call: Call) -> Plan:
        """Return the argv after a login. The plan is bound to the machine and the user."""
        target, (command, argv) = cast("SshTarget", call.config), _command(call)
        async with self._connected(call.target, target):
            pass
        line = shlex.join(argv)
        back: TypedAction | None = None
        if command.inverse:
            parameters = dict(call.parameters) | {"command": command.inverse}
            back = TypedAction(id=RUN.id, parameters=parameters)
        return Plan(
            action=call.action.id,
            target=call.target,
            executor="ssh",
            parameters=dict(call.parameters),
            display=f"ssh {target.user}@{target.host} {line}",
            command=tuple(argv),
            binding={"host": target.host, "port": target.port, "user": target.user},
            mutating=call.action.mutating,
            inverse=back,
            touches=(f"machine {target.host} as {target.user}",),
            deadline_seconds=int(command.timeout_seconds + target.timeout_seconds) + _SLACK_SECONDS,
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Run it and return its output. A command that outlives its time may go on."""
        target, (command, argv) = cast("SshTarget", call.config), _command(call)
        async with self._connected(call.target, target) as connection:
            process = await connection.create_process(
                shlex.join(argv), stdin=asyncssh.DEVNULL, encoding=None
            )
            try:
                async with asyncio.timeout(command.timeout_seconds):
                    out, errors = await asyncio.gather(_read(process.stdout), _read(process.stderr))
                    done = await process.wait()
            except (asyncssh.Error, OSError) as error:
                if not plan.mutating:
                    raise
                raise OutcomeLost(f"{plan.display} began, then: {type(error).__name__}") from error
        stdout, stderr = out.decode(errors="replace"), errors.decode(errors="replace")
        if done.exit_status == 0:
            return Result("SUCCESS", 0, stdout, stderr, tail=True)
        if done.exit_status is None and done.exit_signal is None and plan.mutating:
            raise OutcomeLost(f"{plan.display} began, then the connection ended")
        code = done.exit_status if done.exit_status and done.exit_status > 0 else 1
        return failed(stderr or f"ended by {done.exit_signal}", stdout=stdout, exit_code=code)

    @contextlib.asynccontextmanager
    async def _connected(
        self, name: str, target: SshTarget
    ) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """Log in by the key alone. ExecutorError: that fails, or the server's key is not known."""
        try:
            key = asyncssh.import_private_key(self.secret(name, "key") + "\n")
            async with asyncio.timeout(target.timeout_seconds):
                connection = await asyncssh.connect(
                    target.host,
                    target.port,
                    username=target.user,
                    client_keys=[key],
                    known_hosts=str(target.known_hosts),
                    preferred_auth="publickey",
                    agent_path=None,
                    config=None,
                    keepalive_interval=5,
                    keepalive_count_max=3,
                )
        except (asyncssh.Error, asyncssh.KeyImportError, OSError, ValueError) as error:
            raise unreachable(name, error) from error
        try:
            async with connection:
                yield connection
        except (asyncssh.Error, OSError) as error:
            raise unreachable(name, error) from error


def _command(call: Call) -> tuple[SshCommand, list[str]]:
    """Return the declared command and its argv with the values filled in."""
    target, name = cast("SshTarget", call.config), str(call.parameters["command"])
    command = target.commands.get(name)
    if command is None:
        known = ", ".join(target.commands)
        raise NotAllowed(REFUSED, f"{call.target} has no command {label(name)}. It has: {known}")
    if command.mutating != call.action.mutating:
        other = "ssh.run" if command.mutating else "ssh.read"
        raise NotAllowed(REFUSED, f"{label(name)} of {call.target} is for {other}")
    rest = _values(call, name)
    values: dict[str, str] = {}
    for parameter, declared in command.parameters.items():
        value = rest.pop(parameter, declared.default)
        if problem := declared.problem_of(value):
            raise NotAllowed(REFUSED, f"{label(name)}: {parameter} {problem}")
        values[parameter] = str(value)
    if rest:
        raise NotAllowed(REFUSED, f"{label(name)} has no parameter {label(min(rest))}")
    options = frozenset(n for n, p in command.parameters.items() if p.may_be_option)
    return command, arguments(command.argv, values, options)


def _values(call: Call, name: str) -> dict[str, Any]:
    try:
        values = json.loads(call.parameters["values"])
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise NotAllowed(REFUSED, f"{label(name)}: values are no JSON object")
    return values


async def _read(stream: asyncssh.SSHReader[bytes]) -> bytes:
    """Return the end of a stream; what came before is dropped, so that the program can go on."""
    kept = b""
    while data := await stream.read(65_536):
        kept = (kept + data)[-_OUTPUT_BYTES:]
    return kept
