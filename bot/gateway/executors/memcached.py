"""Memcached: empties it or deletes one key, and reports on it.

Three commands of its text protocol are all that is needed, so no library is used: aiomcache and
pymemcache have had no release for two years and more, and know no login.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, Field

from bot.gateway.actions import Action, Parameters
from bot.gateway.errors import ExecutorError, NotAllowed, OutcomeLost
from bot.gateway.executors import Call, Kind, Result, failed, succeeded
from bot.gateway.executors.remote import (
    REFUSED,
    UNREACHABLE,
    RemoteExecutor,
    label,
    size_text,
    unreachable,
)
from bot.gateway.parts import Argument, WithPassword
from bot.remediation.contract import Plan, PlannedRequest
from bot.validation import form

_MOST_LINES = 1000

Key = Annotated[
    str, form(r"[\x21-\x7e]{1,250}", "must be 1 to 250 printable ASCII characters without a space")
]


def _no_line_end(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be printable")
    return value


class MemcachedTarget(WithPassword):
    """One server. Keys may be deleted if they begin with a declared prefix."""

    executor: Literal["memcached"]
    host: Argument = Field(min_length=1, max_length=255)
    port: int = Field(default=11211, ge=1, le=65535)
    user: Annotated[str, AfterValidator(_no_line_end)] = Field(default="", max_length=200)
    prefixes: list[Key] = Field(default_factory=list, max_length=100)
    timeout_seconds: float = Field(default=5, gt=0, le=60)


class KeyParameters(Parameters):
    """Names one key."""

    key: Key = Field(description="begins with a declared prefix of the target")


FLUSH = Action(
    id="memcached.flush",
    verb="flush",
    title="Empty the cache",
    mutating=True,
    risk="high",
    blast="every value is lost; whoever needs them makes them again, all at once",
    verified_by="the server answers OK",
)
DELETE = Action(
    id="memcached.delete_key",
    verb="delete",
    title="Delete one key of the cache",
    mutating=True,
    parameters=KeyParameters,
    risk="medium",
    blast="the value is lost",
    verified_by="the server answers DELETED or NOT_FOUND",
)
REPORT = Action(
    id="memcached.report",
    verb="report",
    title="Report items, memory and hits of the cache",
    mutating=False,
    risk="low",
)


class _Connection:
    """One connection; a line of the answer ends with CR LF."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, command: str) -> str:
        """Send a command and return the line that answers it."""
        self._writer.write(f"{command}\r\n".encode())
        await self._writer.drain()
        return await self._line()

    async def stats(self) -> dict[str, str]:
        """Return the server's statistics."""
        line, values = await self.ask("stats"), dict[str, str]()
        while line != "END":
            name, _, value = line.removeprefix("STAT ").partition(" ")
            if not line.startswith("STAT ") or len(values) >= _MOST_LINES:
                raise ExecutorError(UNREACHABLE, f"The server answered {label(line)}")
            values[name] = value
            line = await self._line()
        return values

    async def _line(self) -> str:
        line = await self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the connection was closed")
        return line[:-2].decode(errors="replace")


class MemcachedExecutor(RemoteExecutor[MemcachedTarget]):
    """Acts only on the declared server, and only on keys of a declared prefix."""

    async def probe(self, name: str, target: MemcachedTarget) -> str:
        """Ask the server for its version."""
        async with self._connected(name, target) as connection:
            return f"memcached {label((await connection.stats()).get('version', '?'))}"

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the server's process: another one has other items."""
        target = cast("MemcachedTarget", call.config)
        async with self._connected(call.target, target) as connection:
            stats = await connection.stats()
        command = _command(call, target)
        touches: tuple[str, ...] = ()
        if call.action is FLUSH:
            items = int(stats.get("curr_items", 0))
            touches = (f"{items:,} items, {size_text(stats.get('bytes', 0))}",)
        elif call.action is DELETE:
            touches = (f"key {label(call.parameters['key'])}",)
        return Plan(
            action=call.action.id,
            target=call.target,
            executor="memcached",
            parameters=dict(call.parameters),
            display=f"{command} on {call.target}",
            request=PlannedRequest(method="MEMCACHED", path=command),
            binding={"server": f"{target.host}:{target.port}", "pid": stats.get("pid", "")},
            mutating=call.action.mutating,
            touches=touches,
            deadline_seconds=int(2 * target.timeout_seconds) + 5,
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Send the one command."""
        target = cast("MemcachedTarget", call.config)
        async with self._connected(call.target, target) as connection:
            if not plan.mutating:
                return succeeded(_report(await connection.stats()))
            command = _command(call, target)
            try:
                answer = await connection.ask(command)
            except OSError as error:  # TimeoutError and a lost connection are OSErrors
                raise OutcomeLost(f"{command} was sent, then: {type(error).__name__}") from error
        if answer in ("OK", "DELETED", "NOT_FOUND"):
            return succeeded(f"{call.target}: {command}: {answer}")
        return failed(f"{call.target}: {command}: {label(answer)}")

    @contextlib.asynccontextmanager
    async def _connected(self, name: str, target: MemcachedTarget) -> AsyncIterator[_Connection]:
        """Open one connection and log in. ExecutorError: the server cannot be used."""
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(target.timeout_seconds):
                reader, writer = await asyncio.open_connection(target.host, target.port)
                connection = _Connection(reader, writer)
                if target.user:
                    await _log_in(connection, target.user, self.secret(name))
                yield connection
        except (OSError, ValueError) as error:  # ValueError: a line without an end
            raise unreachable(name, error) from error
        finally:
            if writer is not None:
                writer.close()


async def _log_in(connection: _Connection, user: str, password: str) -> None:
    """Log in as docs/protocol.txt of memcached says: a `set` whose value is "user password"."""
    if not password.isprintable():
        raise ExecutorError(UNREACHABLE, "The password has an unprintable character")
    login = f"{user} {password}"
    answer = await connection.ask(f"set login 0 0 {len(login.encode())}\r\n{login}")
    if answer != "STORED":
        raise ExecutorError(UNREACHABLE, f"The server refuses the login: {label(answer)}")


def _command(call: Call, target: MemcachedTarget) -> str:
    if call.action is FLUSH:
        return "flush_all"
    if call.action is REPORT:
        return "stats"
    key = str(call.parameters["key"])
    if not any(key.startswith(prefix) for prefix in target.prefixes):
        allowed = ", ".join(map(label, target.prefixes)) or "nothing"
        raise NotAllowed(REFUSED, f"{call.target} allows keys that begin with {allowed}")
    return f"delete {key}"


def _report(stats: dict[str, str]) -> str:
    hits, misses = int(stats.get("get_hits", 0)), int(stats.get("get_misses", 0))
    share = f"{100 * hits / (hits + misses):.1f} %" if hits + misses else "none yet"
    used, limit = (size_text(stats.get(name, 0)) for name in ("bytes", "limit_maxbytes"))
    return "\n".join(
        (
            f"items: {stats.get('curr_items')}, evicted: {stats.get('evictions')}",
            f"memory: {used} of {limit}",
            f"hits: {share}",
            f"connections: {stats.get('curr_connections')} of {stats.get('max_connections')}",
            f"up: {stats.get('uptime')} s",
        )
    )


KIND = Kind(
    name="memcached",
    target=MemcachedTarget,
    actions=(FLUSH, DELETE, REPORT),
    build=MemcachedExecutor,
)
