"""Blockers are evaluated with the facts of one snapshot, whatever another replica commits.

In a transaction that writes, PostgreSQL gives each statement a moment of its own. Here another
replica commits between the first and the second query of a transaction, then between its second and
its third, and so on.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from functools import partial
from typing import Any

import psycopg
import pytest

from bot.approvals.blockers import requirement_of
from bot.approvals.facts import Config
from bot.approvals.limits import Limits
from bot.approvals.model import Approval, ApprovalConditions, Binding, Choice, ClaimedDispatch
from bot.approvals.reason_text import sentence
from bot.incidents.remediation import RemediationStatus
from store import Store
from store.operations.audit import LOCK
from store.statements import Operation, Statement, query
from tests.helpers.builders import (
    ANA,
    OPS,
    TEAM,
    later,
    open_incident,
    pending_approval,
    voter,
)
from tests.helpers.stores import Storage

GATE = 4_711
ON_POSTGRES = pytest.mark.parametrize("storage", ["postgresql"], indirect=True)

Step = Callable[[], Awaitable[Any]]


class GatedEngine:
    """An engine whose transactions wait at the gate behind so many queries.

    Not once they hold the lock of the audit trail: no other replica could commit then.
    """

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.waits_behind = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def write(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        return await self._engine.write(self._gated, operation, args, kwargs)

    def _gated(self, operation: Any, args: Any, kwargs: Any) -> Operation[Any]:
        running: Generator[Statement, Any, Any] = operation(*args, **kwargs)
        answer: Any = None
        queries, has_trail = 0, False
        try:
            while True:
                statement = running.send(answer)
                answer = yield statement
                has_trail |= statement.wants == "lock" and LOCK in statement.parameters[0]()
                if statement.wants == "rows" and not has_trail:
                    queries += 1
                    if queries == self.waits_behind:
                        yield query(f"SELECT pg_advisory_xact_lock({GATE})")
        except StopIteration as end:
            return end.value


class Slow:
    """A replica in the middle of whose transaction another one commits."""

    def __init__(self, store: Store, connection: psycopg.AsyncConnection[Any]) -> None:
        self.store = store
        self._gate = connection
        store._engine = self._engine = GatedEngine(store._engine)

    async def interrupted(self, transaction: Step, behind: int, commit: Step) -> tuple[Any, bool]:
        """(what the transaction returns, whether it has more queries than `behind`)."""
        self._engine.waits_behind = behind
        await self._gate.execute("SELECT pg_advisory_lock(%s)", (GATE,))
        running = asyncio.ensure_future(transaction())
        try:
            while not running.done() and not await self._somebody_waits():
                pass
            waits = not running.done()
            if waits:
                await commit()
        finally:
            await self._gate.execute("SELECT pg_advisory_unlock(%s)", (GATE,))
        self._engine.waits_behind = 0
        return await running, waits

    async def _somebody_waits(self) -> bool:
        result = await self._gate.execute(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted",
            (GATE,),
        )
        return await result.fetchone() is not None


@pytest.fixture
async def fast(storage: Storage) -> Store:
    return await storage.open("bot-a")


@pytest.fixture
async def slow(storage: Storage, database: str) -> AsyncIterator[Slow]:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        yield Slow(await storage.open("bot-b"), connection)


PLENTY = Limits(hourly_budget=1_000, hourly_budget_per_sop=1_000)


async def approved(store: Store, target: str) -> Approval:
    incident = await open_incident(store)
    terms = ApprovalConditions(
        bound=Binding(severity=incident.severity, env=incident.env, service="web")
    )
    approval = await pending_approval(store, incident.id, terms=terms, target=target)
    return await store.vote(approval.id, voter(ANA), Choice.APPROVE, TEAM, later(1), limits=PLENTY)


async def claimed(store: Store, target: str) -> ClaimedDispatch:
    await approved(store, target)
    dispatch = await store.claim_dispatch(later(2), PLENTY)
    assert dispatch is not None
    return dispatch


async def record(store: Store, dispatch: ClaimedDispatch) -> bool:
    config = Config(sop="", requirement=requirement_of(dispatch.approval))
    detail = {"key": dispatch.id}
    return await store.record_request(
        dispatch.execution, dispatch.approval, later(3), PLENTY, config, detail
    )


async def finish(store: Store, dispatch: ClaimedDispatch) -> None:
    await store.finish_execution(
        dispatch.execution, RemediationStatus.SUCCEEDED, answer={"ok": 1}, error="", now=later(4)
    )


@ON_POSTGRES
async def test_an_answer_that_comes_while_another_request_is_recorded_contradicts_nothing(
    fast: Store, slow: Slow
) -> None:
    first = await claimed(slow.store, "first")
    assert await record(slow.store, first)
    for behind in itertools.count(1):
        second = await claimed(slow.store, f"target-{behind}")
        is_recorded, waits = await slow.interrupted(
            partial(record, slow.store, second), behind, partial(finish, fast, first)
        )
        assert is_recorded, f"the answer came behind query {behind}"
        if not waits:
            break
        first = second
    assert behind > 5


@ON_POSTGRES
async def test_a_freeze_that_begins_while_a_dispatch_is_claimed_is_not_disputed(
    fast: Store, slow: Slow
) -> None:
    for behind in itertools.count(1):
        approval = await approved(fast, f"target-{behind}")
        dispatch, waits = await slow.interrupted(
            partial(slow.store.claim_dispatch, later(4), PLENTY),
            behind,
            partial(fast.freeze, ANA, "a move", later(5), channel=OPS),
        )
        reason = sentence((await fast.approval(approval.id)).reason)
        assert dispatch or reason.startswith("everything is frozen"), reason
        await fast.unfreeze(ANA, later(6), channel=OPS)
        if not waits:
            break
    assert behind > 5
