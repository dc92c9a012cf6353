"""The executor of MySQL and MariaDB targets. Needs PyMySQL, which blocks: it runs in a thread.

PyMySQL puts values into the text of a statement. So no value of a caller is sent at all: the list
of processes is filtered here, and only whole numbers go back to the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pymysql
from pymysql.connections import Connection

from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors import Call, Result, failed, succeeded
from bot.gateway.executors.mysql_target import KILL_QUERIES, MysqlTarget
from bot.gateway.executors.remote import TOO_MUCH, RemoteExecutor, label, strings, unreachable
from bot.gateway.executors.session_text import count, listed, query_text
from bot.remediation.contract import Plan, PlannedRequest

_POLL_SECONDS = 0.05
_PROCESSES = """
SELECT ID, USER, HOST, DB, COMMAND, TIME, coalesce(INFO, '') FROM information_schema.PROCESSLIST
WHERE COMMAND IN ('Sleep', 'Query', 'Execute') AND ID <> CONNECTION_ID() ORDER BY ID
"""
_BLOCKED = """
SELECT w.trx_mysql_thread_id, b.trx_mysql_thread_id,
    timestampdiff(SECOND, w.trx_wait_started, now()), coalesce(w.trx_query, '')
FROM information_schema.INNODB_LOCK_WAITS l
JOIN information_schema.INNODB_TRX w ON w.trx_id = l.requesting_trx_id
JOIN information_schema.INNODB_TRX b ON b.trx_id = l.blocking_trx_id LIMIT 10
"""
_SIZES = """
SELECT TABLE_SCHEMA, round(sum(DATA_LENGTH + INDEX_LENGTH) / 1048576, 1)
FROM information_schema.TABLES GROUP BY TABLE_SCHEMA
"""
_CLIENT_ERRORS = 2000
_NO_THREAD = 1094  # ER_NO_SUCH_THREAD: it has ended by itself


@dataclass(frozen=True, slots=True)
class _Session:
    """One row of `_PROCESSES`. `client` is the client's address with its port."""

    pid: int
    user: str
    client: str
    database: str
    command: str
    seconds: int
    query: str

    def key(self, thing: str) -> str:
        """Return what makes it this session, or this query of it."""
        digest = hashlib.sha256(self.query.encode()).hexdigest() if thing == "query" else ""
        return f"{self.pid} {self.user} {self.client} {digest}".strip()

    def __str__(self) -> str:
        return (
            f"session {self.pid}: {label(self.user)}@{label(self.database)} from "
            f"{label(self.client)}, {self.command} for {self.seconds} s"
        )


class MysqlExecutor(RemoteExecutor[MysqlTarget]):
    """Acts only on client sessions of the declared databases, and never on its own user's."""

    async def probe(self, name: str, target: MysqlTarget) -> str:
        """Ask the server for its version."""
        return await asyncio.to_thread(self._version, name, target)

    def _version(self, name: str, target: MysqlTarget) -> str:
        with self._connected(name, target) as connection:
            return label(_rows(connection, "SELECT version()")[0][0])

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to each session's id, user and client; to the text of its query too."""
        target, thing = _target(call), _thing(call)
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="mysql",
            parameters=dict(call.parameters),
            display=f"report activity and sizes of {', '.join(target.databases)}",
            request=PlannedRequest(method="SQL", path="information_schema.PROCESSLIST"),
            mutating=call.action.mutating,
            deadline_seconds=int(3 * target.timeout_seconds) + 5,
            binding={"server": f"{target.host}:{target.port}"},
        )
        sessions = await asyncio.to_thread(self._matching, call)
        if not base.mutating:
            return base
        if len(sessions) > target.max_sessions:
            raise ExecutorError(
                TOO_MUCH,
                f"{len(sessions)} sessions of {call.target} match, and the target allows "
                f"{target.max_sessions} at once. Use a narrower filter",
            )
        kill = "KILL QUERY" if thing == "query" else "KILL"
        state = call.parameters.get("state", "Query")
        return base.model_copy(
            update={
                "display": f"{kill} sessions in {state} for {call.parameters['min_seconds']} s or "
                f"more of {call.target}",
                "request": PlannedRequest(method="SQL", path=f"{kill} id"),
                "steps": (
                    f"{kill} each listed session that still matches",
                    f"wait up to {target.timeout_seconds:g} s until they have ended",
                ),
                "binding": base.binding | {"sessions": [s.key(thing) for s in sessions]},
                "touches": (count(len(sessions), thing), *listed(sessions)),
            }
        )

    def _matching(self, call: Call) -> list[_Session]:
        with self._connected(call.target, _target(call)) as connection:
            return _matching(connection, call) if call.action.mutating else []

    async def run(self, call: Call, plan: Plan) -> Result:
        """End the planned sessions that still match; then wait until they have ended."""
        if not plan.mutating:
            return succeeded(await asyncio.to_thread(self._report, call))
        return await asyncio.to_thread(self._kill, call, plan)

    def _kill(self, call: Call, plan: Plan) -> Result:
        target, thing = _target(call), _thing(call)
        planned = strings(plan.binding["sessions"])
        if not planned:
            return succeeded(f"{call.target}: no {thing} matches, nothing to end")
        kill = "KILL QUERY" if thing == "query" else "KILL"
        sent: set[str] = set()
        with self._connected(call.target, target) as connection:
            chosen = [s for s in _matching(connection, call) if s.key(thing) in planned]
            try:
                for session in chosen:
                    _kill_one(connection, f"{kill} {session.pid:d}")
                    sent.add(session.key(thing))
                left = _left(connection, sent, call)
            except (pymysql.MySQLError, OSError) as error:
                if not sent and _is_refusal(error):
                    raise  # nothing was ended
                raise OutcomeLost(
                    f"{kill} was sent to {call.target}, then: {type(error).__name__}"
                ) from error
        done = f"{call.target}: ended {count(len(sent) - len(left), thing)}"
        if len(sent) < len(planned):
            done += f"; {len(planned) - len(sent)} of the planned had ended or changed before"
        if left:
            return failed(f"{done}; still there: {', '.join(sorted(map(str, left)))}")
        return succeeded(done)

    def _report(self, call: Call) -> str:
        target = _target(call)
        with self._connected(call.target, target) as connection:
            sessions = [s for s in _sessions(connection) if s.database in target.databases]
            waits = _rows(connection, _BLOCKED)
            sizes = _rows(connection, _SIZES)
        longest = sorted(sessions, key=lambda s: -s.seconds)[:10]
        lines = [
            f"sessions: {len(sessions)}",
            *(f"  {s}: {query_text(s.query)}" for s in longest),
            "blocked:",
            *(f"  {w} waits {s} s for {b}: {query_text(query)}" for w, b, s, query in waits),
            "sizes:",
            *(f"  {label(name)}: {size} MiB" for name, size in sizes if name in target.databases),
        ]
        return "\n".join(lines)

    @contextlib.contextmanager
    def _connected(self, name: str, target: MysqlTarget) -> Iterator[Connection[Any]]:
        """Open one connection. ExecutorError: it cannot be opened, or a statement failed."""
        seconds = max(1, int(target.timeout_seconds))
        try:
            connection = pymysql.connect(
                host=target.host,
                port=target.port,
                user=target.user,
                password=self.secret(name),
                connect_timeout=seconds,
                read_timeout=seconds,
                write_timeout=seconds,
                ssl_disabled=not target.tls,
                ssl_ca=str(target.ca_file) if target.ca_file else None,
                ssl_verify_cert=target.tls,
                ssl_verify_identity=target.tls,
                local_infile=False,
                autocommit=True,
            )
        except (pymysql.MySQLError, OSError) as error:
            raise unreachable(name, _reason(error)) from error
        try:
            with connection:
                yield connection
        except (pymysql.MySQLError, OSError) as error:
            raise unreachable(name, _reason(error)) from error


def _reason(error: Exception) -> Exception:
    """Return the server's text alone, without the number before it."""
    return RuntimeError(error.args[1]) if len(error.args) > 1 else error


def _is_refusal(error: Exception) -> bool:
    """Return True if the server answered; numbers from 2000 on are of a lost connection."""
    return isinstance(error, pymysql.MySQLError) and int(error.args[0]) < _CLIENT_ERRORS


def _target(call: Call) -> MysqlTarget:
    return cast("MysqlTarget", call.config)


def _thing(call: Call) -> str:
    return "query" if call.action is KILL_QUERIES else "session"


def _rows(connection: Connection[Any], statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _sessions(connection: Connection[Any]) -> list[_Session]:
    return [
        _Session(int(pid), str(user), str(client), str(db or ""), str(command), int(t or 0), str(q))
        for pid, user, client, db, command, t, q in _rows(connection, _PROCESSES)
    ]


def _matching(connection: Connection[Any], call: Call) -> list[_Session]:
    target, chosen = _target(call), call.parameters
    states = ("Sleep",) if chosen.get("state") == "Sleep" else ("Query", "Execute")
    return [
        session
        for session in _sessions(connection)
        if session.database in target.databases
        and session.user not in (target.user, *target.protected_users)
        and session.command in states
        and session.seconds >= chosen["min_seconds"]
        and chosen["user"] in ("", session.user)
        and chosen["pid"] in (0, session.pid)
    ]


def _kill_one(connection: Connection[Any], statement: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except pymysql.MySQLError as error:
        if error.args[0] != _NO_THREAD:
            raise


def _left(connection: Connection[Any], sent: set[str], call: Call) -> set[int]:
    """Return the pids that have not ended in the target's time."""
    thing = _thing(call)
    end = time.monotonic() + _target(call).timeout_seconds
    while True:
        left = {s.pid for s in _sessions(connection) if s.key(thing) in sent}
        if thing == "query":
            left &= {s.pid for s in _sessions(connection) if s.command != "Sleep"}
        if not left or time.monotonic() >= end:
            return left
        time.sleep(_POLL_SECONDS)
