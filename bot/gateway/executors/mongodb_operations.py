"""The executor of MongoDB targets. Needs PyMongo.

The list of operations is filtered here: no value of a caller becomes a part of a query, and only
the opid of an operation that was read goes back to the server.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from pymongo import AsyncMongoClient
from pymongo.errors import (
    AutoReconnect,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from bot.gateway.errors import ExecutorError, NotAllowed, OutcomeLost
from bot.gateway.executors import Call, Result, succeeded
from bot.gateway.executors.cluster_jobs import Filter, Job, fits, keys_of, kill_all, listed
from bot.gateway.executors.json_api import form_of
from bot.gateway.executors.mongodb_target import SYSTEM_DATABASES, MongodbTarget
from bot.gateway.executors.remote import (
    REFUSED,
    UNREACHABLE,
    RemoteExecutor,
    label,
    size_text,
    strings,
    unreachable,
)
from bot.gateway.ourselves import OWN_CALLS
from bot.remediation.contract import Plan, PlannedRequest

_SHOWN = 10
_NO_REPLICATION = frozenset({76, 94})  # NoReplicationEnabled, NotYetInitialized
Document = Mapping[str, Any]


class _Operations:
    """The operations that an action may end, on one open connection."""

    noun = "operation"

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], target: MongodbTarget) -> None:
        self._client, self._target = client, target

    async def command(self, name: str, **options: Any) -> Document:
        """Run a command that reads, and return its answer."""
        answer: Document = await self._client.admin.command(name, **options)
        return answer

    async def rows(self) -> list[Document]:
        """Return every active operation of a client, of all users."""
        stage = {"$currentOp": {"allUsers": True, "idleConnections": False}}
        cursor = await self._client.admin.aggregate([stage])
        rows = await cursor.to_list()
        return [
            row for row in rows if row.get("active") and (row.get("client") or "client_s" in row)
        ]

    async def live(self) -> list[Job]:
        """Return those of the declared namespaces that are nobody's of the system or of ours."""
        with form_of("The list of operations"):
            return [_job(row) for row in await self.rows() if self._may_end(row)]

    def _may_end(self, row: Document) -> bool:
        database = str(row.get("ns") or "").partition(".")[0]
        users = {str(user.get("user")) for user in row.get("effectiveUsers") or ()}
        protected = {"__system", self._target.user, *self._target.protected_users} - {""}
        return (
            row.get("type", "op") == "op"
            and database not in SYSTEM_DATABASES | {""}
            and fits(str(row["ns"]), self._target.namespaces)
            and not users & protected
            and not str(row.get("appName") or "").startswith("sopbot")
        )

    async def kill(self, job: Job) -> None:
        """Send killOp with the opid that was read: a number, or shard:number of a mongos."""
        opid: int | str = job.id if ":" in job.id else int(job.id)
        try:
            await self._client.admin.command("killOp", op=opid)
        except (ServerSelectionTimeoutError, OperationFailure) as error:
            raise ExecutorError(REFUSED, f"killOp {job.id}: {label(error, 300)}") from error
        except PyMongoError as error:
            raise OutcomeLost(f"killOp {job.id} was sent, then: {type(error).__name__}") from error

    async def end_of(self, job: Job) -> str:
        """Return 'ended' once the operation is not in the list any more."""
        try:
            with form_of("The list of operations"):
                rows = [_job(row) for row in await self.rows()]
        except PyMongoError as error:
            raise unreachable(job.id, error) from error
        return "" if any(row.key == job.key for row in rows) else "ended"


class MongodbExecutor(RemoteExecutor[MongodbTarget]):
    """Kills only operations of clients on declared namespaces, and never its own user's."""

    async def probe(self, name: str, target: MongodbTarget) -> str:
        """Read the server's version, and the list of operations for the right to do so."""
        async with self._connected(name, target) as operations:
            version = label((await operations.command("buildInfo")).get("version"))
            return f"MongoDB {version}, {len(await operations.rows())} operations"

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to each operation's opid, client, connection and command."""
        target = cast("MongodbTarget", call.config)
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="mongodb",
            parameters=dict(call.parameters),
            display=f"report operations, connections and replicas of {call.target}",
            request=PlannedRequest(method="MONGODB", path="$currentOp"),
            binding={"server": f"{target.host}:{target.port}"},
            mutating=call.action.mutating,
            deadline_seconds=int(5 * target.timeout_seconds) + 5,
        )
        async with self._connected(call.target, target) as operations:
            live = await operations.live()
        if not call.action.mutating:
            return base
        seconds = int(call.parameters["min_seconds"])
        if seconds < target.min_seconds:
            raise NotAllowed(
                REFUSED, f"{call.target} allows only operations of {target.min_seconds} s or more"
            )
        chosen = Filter(
            declared=target.namespaces,
            most=target.max_operations,
            id=call.parameters["operation"],
            name=call.parameters["namespace"],
            min_seconds=seconds,
        ).chosen(live, _Operations.noun)
        return base.model_copy(
            update={
                "display": f"killOp on operations of {seconds} s or more of {call.target}",
                "request": PlannedRequest(method="MONGODB", path="killOp"),
                "steps": (
                    *(f"killOp {job.id}" for job in chosen),
                    f"wait up to {target.timeout_seconds:g} s until they are gone",
                ),
                "binding": base.binding | {"operations": keys_of(chosen)},
                "touches": listed(chosen, _Operations.noun),
                "deadline_seconds": int((len(chosen) + 5) * target.timeout_seconds) + 5,
            }
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Kill the planned operations that still run; then wait until they are gone."""
        target = cast("MongodbTarget", call.config)
        async with self._connected(call.target, target) as operations:
            if not plan.mutating:
                with form_of("The state of the server"):
                    return succeeded(await _report(operations))
            planned = strings(plan.binding["operations"])
            return await kill_all(operations, planned, target.timeout_seconds, call.target)

    @asynccontextmanager
    async def _connected(self, name: str, target: MongodbTarget) -> AsyncIterator[_Operations]:
        """Open a connection. ExecutorError: it cannot be opened, or a reading failed."""
        milliseconds = int(target.timeout_seconds * 1000)
        options: dict[str, Any] = {"tlsCAFile": str(target.ca_file)} if target.ca_file else {}
        if target.user:
            options |= {"username": target.user, "password": self.secret(name)}
        try:
            async with AsyncMongoClient(
                target.host,
                target.port,
                appname=OWN_CALLS,
                authSource=target.auth_database,
                connectTimeoutMS=milliseconds,
                directConnection=True,
                maxPoolSize=1,
                retryReads=False,
                serverSelectionTimeoutMS=milliseconds,
                socketTimeoutMS=milliseconds,
                tls=target.tls,
                **options,
            ) as client:
                yield _Operations(client, target)
        except (AutoReconnect, OperationFailure) as error:
            raise unreachable(name, error) from error
        except PyMongoError as error:
            raise ExecutorError(UNREACHABLE, f"{name}: {label(error, 300)}") from error


async def _report(operations: _Operations) -> str:
    rows = [_job(row) for row in await operations.rows()]
    status = await operations.command("serverStatus")
    connections, memory = status["connections"], status.get("mem") or {}
    longest = sorted(rows, key=lambda job: -job.seconds)[:_SHOWN]
    return "\n".join(
        [
            f"MongoDB {label(status.get('version'))}, up {int(status.get('uptime') or 0)} s",
            f"connections: {connections['current']} in use, {connections['available']} free",
            f"memory: {size_text(int(memory.get('resident') or 0) * 1_048_576)}",
            f"operations: {len(rows)}",
            *(f"  {job.line}" for job in longest),
            "replicas:",
            *(f"  {line}" for line in await _replicas(operations)),
        ]
    )


async def _replicas(operations: _Operations) -> list[str]:
    try:
        status = await operations.command("replSetGetStatus")
    except OperationFailure as error:
        if error.code in _NO_REPLICATION:
            return ["none: it is a server alone"]
        return [f"cannot be read: {label(error, 200)}"]
    return [
        f"{label(member.get('name'))}: {label(member.get('stateStr'))}, "
        f"health {label(member.get('health'))}, at {label(member.get('optimeDate'))}"
        for member in status.get("members") or ()
    ]


def _job(row: Document) -> Job:
    """Return an operation without the values in its command, which may be secrets."""
    opid, namespace = str(row["opid"]), str(row.get("ns"))
    seconds = int(row.get("microsecs_running") or 0) / 1_000_000 or float(
        row.get("secs_running") or 0
    )
    client = row.get("client") or row.get("client_s")
    digest = hashlib.sha256(repr(row.get("command")).encode()).hexdigest()[:16]
    users = ", ".join(str(user.get("user")) for user in row.get("effectiveUsers") or ())
    return Job(
        id=opid,
        name=namespace,
        state=str(row.get("op")),
        key=f"{opid} {client} {row.get('connectionId')} {namespace} {digest}",
        seconds=seconds,
        line=f"operation {label(opid)}: {label(row.get('op'))} on {label(namespace)} for "
        f"{seconds:.0f} s, {label(users) or 'nobody'} from {label(client)} "
        f"{label(row.get('appName') or '')}".rstrip(),
    )
