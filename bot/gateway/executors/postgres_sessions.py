"""The executor of PostgreSQL targets. Needs psycopg."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import psycopg
from psycopg import AsyncConnection

from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors import Call, Result, failed, postgres_sql, succeeded
from bot.gateway.executors.postgres_target import CANCEL, PostgresTarget
from bot.gateway.executors.remote import (
    REFUSED,
    TOO_MUCH,
    RemoteExecutor,
    label,
    strings,
    unreachable,
)
from bot.gateway.executors.session_text import count, listed, query_text
from bot.remediation.contract import Plan, PlannedRequest

_POLL_SECONDS = 0.05
_STATES = {
    "active": ["active"],
    "idle": ["idle"],
    "idle in transaction": ["idle in transaction", "idle in transaction (aborted)"],
}

_Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Session:
    """One row of `postgres_sql.SESSIONS`."""

    pid: int
    started: datetime
    query_started: datetime
    user: str
    database: str
    application: str
    address: str
    state: str
    seconds: int
    tables: int

    @property
    def key(self) -> str:
        return f"{self.pid} {self.started.isoformat()} {self.query_started.isoformat()}"

    def __str__(self) -> str:
        who = f"{label(self.user)}@{label(self.database)}"
        program = label(self.application) or "unnamed program"
        locks = f", holds locks on {self.tables} tables" if self.tables else ""
        return (
            f"session {self.pid}: {who}, {program} from {self.address}, "
            f"{self.state} for {self.seconds} s{locks}"
        )


class PostgresExecutor(RemoteExecutor[PostgresTarget]):
    """Acts only on client sessions of the declared databases, and never on its own."""

    async def probe(self, name: str, target: PostgresTarget) -> str:
        """Ask the server for its version, and whether the role may see and end sessions."""
        async with self._connected(name, target) as connection, _in_time(target):
            version, _, reads, signals = (await _rows(connection, postgres_sql.SERVER))[0]
        rights = {"pg_read_all_stats": reads, "pg_signal_backend": signals}
        lacking = [role for role, has in rights.items() if not has]
        if lacking:
            raise ExecutorError(REFUSED, f"role {target.user} lacks {', '.join(lacking)}")
        return " ".join(str(version).split()[:2])

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to each session's pid and start, and to the start of its query."""
        target = _target(call)
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="postgresql",
            parameters=dict(call.parameters),
            display=f"report activity, locks and sizes of {', '.join(target.databases)}",
            request=PlannedRequest(method="SQL", path="pg_stat_activity"),
            mutating=call.action.mutating,
            deadline_seconds=int(2 * target.timeout_seconds) + 5,
            binding={"server": f"{target.host}:{target.port}"},
        )
        async with self._connected(call.target, target) as connection, _in_time(target):
            server = (await _rows(connection, postgres_sql.SERVER))[0]
            if not base.mutating:
                return base
            rows = await _rows(connection, postgres_sql.SESSIONS, _filter(call))
        sessions = [_Session(*row) for row in rows]
        if len(sessions) > target.max_sessions:
            raise ExecutorError(
                TOO_MUCH,
                f"More than {target.max_sessions} sessions of {call.target} match, and the target "
                "allows no more at once. Use a narrower filter",
            )
        function, thing = _signal(call)
        keys = [session.key for session in sessions]
        return base.model_copy(
            update={
                "display": f"{function} for {_in_words(call)} of {call.target}",
                "request": PlannedRequest(
                    method="SQL", path=" ".join(postgres_sql.signal(function).split())
                ),
                "steps": (
                    f"end each listed {thing} that still matches, in one statement",
                    f"wait up to {target.timeout_seconds:g} s until they have ended",
                ),
                "binding": base.binding | {"started": server[1].isoformat(), "sessions": keys},
                "touches": (count(len(sessions), thing), *listed(sessions)),
            }
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Signal the planned sessions that still match; then wait until they have ended."""
        target = _target(call)
        if not plan.mutating:
            async with self._connected(call.target, target) as connection, _in_time(target):
                return succeeded(await _report(connection, target))
        function, thing = _signal(call)
        keys = [key.split(" ") for key in strings(plan.binding["sessions"])]
        if not keys:
            return succeeded(f"{call.target}: no {thing} matches, nothing to end")
        values = _filter(call) | {
            "pids": [int(key[0]) for key in keys],
            "starts": [key[1] for key in keys],
            "queries": [key[2] for key in keys],
            "whole": thing == "session",
        }
        async with self._connected(call.target, target) as connection:
            try:
                async with _in_time(target):
                    sent = await _rows(connection, postgres_sql.signal(function), values)
                left = await _left(connection, values, target.timeout_seconds)
            except (psycopg.Error, OSError) as error:
                if isinstance(error, psycopg.errors.InsufficientPrivilege) and len(keys) == 1:
                    raise  # the only one was refused; a rollback does not bring sessions back
                raise OutcomeLost(
                    f"{function} was sent to {call.target}, then: {type(error).__name__}"
                ) from error
        open_pids = sorted(left & {row[0] for row in sent})
        done = f"{call.target}: ended {count(len(sent) - len(open_pids), thing)}"
        if len(sent) < len(keys):
            done += f"; {len(keys) - len(sent)} of the planned had ended or changed before"
        if open_pids:
            return failed(f"{done}; still there: {', '.join(map(str, open_pids))}")
        return succeeded(done)

    @contextlib.asynccontextmanager
    async def _connected(
        self, name: str, target: PostgresTarget
    ) -> AsyncIterator[AsyncConnection[Any]]:
        """Open one connection. ExecutorError: it cannot be opened, or a statement failed."""
        try:
            async with asyncio.timeout(target.timeout_seconds):
                connection = await AsyncConnection.connect(
                    host=target.host,
                    port=target.port,
                    dbname=target.database,
                    user=target.user,
                    password=self.secret(name),
                    sslmode=target.sslmode,
                    sslrootcert=None if target.sslmode == "disable" else str(target.sslrootcert),
                    application_name="sopbot-gateway",
                    # A server that stops answering ends the call, not only the wait for it.
                    connect_timeout=max(2, int(target.timeout_seconds)),
                    options=f"-c statement_timeout={int(target.timeout_seconds * 1000)}",
                    autocommit=True,
                    prepare_threshold=None,
                )
        except (psycopg.Error, OSError, TimeoutError) as error:
            raise unreachable(name, error) from error
        try:
            async with connection:
                yield connection
        except (psycopg.Error, OSError) as error:
            raise unreachable(name, error) from error


def _target(call: Call) -> PostgresTarget:
    return cast("PostgresTarget", call.config)


def _in_time(target: PostgresTarget) -> asyncio.Timeout:
    """End a statement that the server does not answer, though statement_timeout should have."""
    return asyncio.timeout(target.timeout_seconds + 1)


def _signal(call: Call) -> tuple[str, str]:
    """Return the function that the action calls, and the word for what it ends."""
    if call.action is CANCEL:
        return "pg_cancel_backend", "query"
    return "pg_terminate_backend", "session"


def _filter(call: Call) -> dict[str, Any]:
    target = _target(call)
    return {
        "databases": target.databases,
        "protected": target.protected_users,
        "superusers": target.superusers,
        "states": _STATES[call.parameters.get("state", "active")],
        "limit": target.max_sessions + 1,
        **{name: call.parameters[name] for name in ("min_seconds", "user", "application", "pid")},
    }


def _in_words(call: Call) -> str:
    """Return the filter as a person reads it."""
    parameters = call.parameters
    state = parameters.get("state", "active")
    parts = [f"sessions {state} for {parameters['min_seconds']} s or more"]
    if parameters["user"]:
        parts.append(f"of role {label(parameters['user'])}")
    if parameters["application"]:
        parts.append(f"of program {label(parameters['application'])}")
    if parameters["pid"]:
        parts.append(f"with pid {parameters['pid']}")
    return " ".join(parts)


async def _rows(
    connection: AsyncConnection[Any], statement: str, values: Mapping[str, Any] | None = None
) -> _Rows:
    cursor = await connection.execute(statement.encode(), values)
    return await cursor.fetchall()


async def _left(
    connection: AsyncConnection[Any], values: Mapping[str, Any], seconds: float
) -> set[int]:
    """Return the pids that have not ended within these seconds."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
        left = {row[0] for row in await _rows(connection, postgres_sql.STILL_THERE, values)}
        if not left or loop.time() >= end:
            return left
        await asyncio.sleep(_POLL_SECONDS)


async def _report(connection: AsyncConnection[Any], target: PostgresTarget) -> str:
    about = {"databases": target.databases}
    parts = (
        ("sessions", postgres_sql.ACTIVITY, "{0}: {2} {1}, longest {3} s"),
        ("longest transactions", postgres_sql.LONGEST, "{0} {1} ({2}) {3}, {4} s: {query}"),
        ("blocked", postgres_sql.BLOCKED, "{0} waits {2} s for {1}: {query}"),
        ("databases", postgres_sql.DATABASES, "{0}: {1}"),
        (f"largest tables of {target.database}", postgres_sql.TABLES, "{0}: {1}"),
    )
    lines: list[str] = []
    for title, statement, form in parts:
        rows = await _rows(connection, statement, about)
        shown = [form.format(*map(label, row), query=query_text(row[-1])) for row in rows]
        lines += [f"{title}:", *(f"  {line}" for line in shown or ["none"])]
    return "\n".join(lines)
