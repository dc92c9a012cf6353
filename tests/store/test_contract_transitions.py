"""The store takes a step only where the table has it, and then with all that belongs to it."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest

from bot.approvals.model import Approval, Choice, Execution
from bot.approvals.reasons import NOBODY_DECIDED
from bot.approvals.transitions import TRANSITIONS, ApprovalEvent, Event, ExecutionEvent
from bot.incidents.remediation import RemediationStatus
from store import Store
from store.operations.transitions import EFFECTS, Change, transition
from store.statements import Operation, query, run
from tests.helpers.builders import (
    ANA,
    TEAM,
    later,
    open_incident,
    pending_approval,
    voter,
)
from tests.helpers.trail import trail

ONCE = [event for event in (*ApprovalEvent, *ExecutionEvent) if (None, event) not in TRANSITIONS]


def put_in(subject: Approval | Execution, state: RemediationStatus) -> Operation[None]:
    table = "approvals" if isinstance(subject, Approval) else "executions"
    yield run(f"UPDATE {table} SET state = ? WHERE id = ?", state, subject.id)  # noqa: S608 - constants


def step(
    subject: Approval | Execution, event: Event, now: datetime
) -> Operation[Approval | Execution | None]:
    change = Change(event=event, now=now, actor=ANA, reason=NOBODY_DECIDED)
    changed: Approval | Execution | None = yield from transition(subject, change)
    return changed


def counts() -> Operation[tuple[int, ...]]:
    rows = yield query(
        "SELECT (SELECT COUNT(*) FROM timeline) AS told,"
        " (SELECT SUM(desired_version) FROM outbox) AS shown"
    )
    return tuple(rows[0])


@pytest.mark.parametrize("event", ONCE)
async def test_a_step_is_taken_only_from_where_the_table_has_it(store: Store, event: Event) -> None:
    incident = await open_incident(store)
    approval = await pending_approval(store, incident.id)
    await store.vote(approval.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
    execution = await store.execution_of(approval.id)
    assert execution is not None
    subject = approval if isinstance(event, ApprovalEvent) else execution
    for number, state in enumerate(RemediationStatus):
        await store._write(partial(put_in, subject, state))
        before, recorded = await store._engine.read(counts), len(await trail(store))
        changed = await store._write(partial(step, subject, event, later(number + 2)))
        after, now_recorded = await store._engine.read(counts), len(await trail(store))
        if (state, event) not in TRANSITIONS:
            assert (changed, after, now_recorded) == (None, before, recorded), state
            continue
        assert changed is not None
        assert changed.state is TRANSITIONS[state, event]
        effect = EFFECTS[event]
        assert after[0] - before[0] == bool(effect.entry)
        assert (after[1] > before[1]) == effect.is_shown
        assert now_recorded - recorded == len(effect.kinds)
        rows = await trail(store)
        assert [row.kind for row in rows[recorded:]] == list(effect.kinds)
