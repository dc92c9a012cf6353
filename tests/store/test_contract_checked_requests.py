"""Earlier requests are proved once, and every later press still notices whatever was changed."""

from __future__ import annotations

from typing import Any

import pytest

from bot.approvals.limits import Limits
from bot.approvals.model import Approval, Choice
from bot.approvals.reasons import BlockerKind
from bot.errors import Refused
from bot.incidents.remediation import RemediationStatus
from store import Store
from tests.helpers.builders import ANA, AUDIT_KEY, TEAM, later, pending_approval, voter
from tests.helpers.counting_engine import CountingEngine
from tests.helpers.requests import approved, blocker_of, claimed, may_send
from tests.helpers.trail import tamper, trail


async def requested(store: Store, target: str) -> Approval:
    """One whose request is on record, with its answer."""
    approval = await approved(store, target=target)
    execution = await claimed(store)
    assert await may_send(store, execution, 3)
    await store.finish_execution(
        execution, RemediationStatus.SUCCEEDED, answer={"ok": True}, error="", now=later(4)
    )
    return approval


async def is_missing(store: Store, waiting: Approval) -> bool:
    """Return what the reader sees and what the press sees is the same."""
    if await blocker_of(store, waiting, 5) is not BlockerKind.REQUEST_MISSING:
        return False
    with pytest.raises(Refused, match="an earlier request is on record, and missing"):
        await store.vote(waiting.id, voter(ANA), Choice.APPROVE, TEAM, later(5))
    return True


@pytest.mark.attack("ASI10")
@pytest.mark.parametrize("kind", ["proposed", "request", "answer"])
@pytest.mark.parametrize("column", ["at", "kind", "subject", "actor", "detail", "prev", "mac"])
async def test_an_edit_of_a_row_that_was_proved_is_found_at_the_next_press(
    store: Store, kind: str, column: str
) -> None:
    first = await requested(store, "web")
    waiting = await pending_approval(store, first.incident_id, target="db")
    for _ in range(2):  # proved, and known to be
        assert await blocker_of(store, waiting, 5) is None
    (row,) = (row for row in await trail(store) if row.kind == kind and row.subject == first.id)
    before = getattr(row, column)
    edited = before[:-1] + ("x" if before[-1:] != "x" else "y")
    await tamper(store, (f"UPDATE audit SET {column} = ? WHERE seq = ?", edited, row.seq))  # noqa: S608
    assert await blocker_of(store, waiting, 5) is BlockerKind.REQUEST_MISSING
    await tamper(store, (f"UPDATE audit SET {column} = ? WHERE seq = ?", before, row.seq))  # noqa: S608
    assert await blocker_of(store, waiting, 5) is None
    await tamper(store, (f"UPDATE audit SET {column} = ? WHERE seq = ?", edited, row.seq))  # noqa: S608
    assert await is_missing(store, waiting)


@pytest.mark.attack("ASI10")
@pytest.mark.parametrize("kind", ["proposed", "request", "answer"])
async def test_a_row_that_was_proved_and_is_deleted_is_missed_at_the_next_press(
    store: Store, kind: str
) -> None:
    first = await requested(store, "web")
    waiting = await pending_approval(store, first.incident_id, target="db")
    assert await blocker_of(store, waiting, 5) is None
    await tamper(store, ("DELETE FROM audit WHERE kind = ? AND subject = ?", kind, first.id))
    assert await is_missing(store, waiting)


@pytest.mark.attack("ASI10")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE executions SET answer = NULL WHERE approval_id = ?",
        "UPDATE executions SET state = 'verified' WHERE approval_id = ?",
        "UPDATE executions SET started_at = '2020-01-01T00:00:00.000000Z' WHERE approval_id = ?",
        "UPDATE approvals SET target = 'other' WHERE id = ?",
    ],
)
async def test_an_edit_of_what_the_limits_count_is_found_after_its_request_was_proved(
    store: Store, change: str
) -> None:
    first = await requested(store, "web")
    waiting = await pending_approval(store, first.incident_id, target="db")
    assert await blocker_of(store, waiting, 5) is None
    await tamper(store, (change, first.id))
    assert await is_missing(store, waiting)


@pytest.mark.attack("ASI10")
async def test_what_is_changed_between_the_claim_and_the_request_keeps_it_from_being_sent(
    store: Store,
) -> None:
    first = await requested(store, "web")
    second = await pending_approval(store, first.incident_id, target="db", terms=first.terms)
    await store.vote(second.id, voter(ANA), Choice.APPROVE, TEAM, later(5))
    await tamper(store, ("DELETE FROM executions WHERE approval_id = ?", first.id))
    execution = await claimed(store, 6)
    assert not await may_send(store, execution, 7)
    assert (await store.approval(second.id)).state is RemediationStatus.REVOKED


async def test_a_request_is_not_proved_again_while_its_rows_are_the_same(store: Store) -> None:
    sent = [await requested(store, f"web-{number}") for number in range(4)]
    waiting = await pending_approval(store, sent[0].incident_id, target="db")
    assert await blocker_of(store, waiting, 5) is None
    proofs: Any = AUDIT_KEY.made
    before = proofs.cache_info()
    assert await blocker_of(store, waiting, 5) is None
    assert proofs.cache_info() == before


async def test_a_press_costs_no_more_statements_after_more_requests(store: Store) -> None:
    store._engine = engine = CountingEngine(store._engine)
    counts: list[int] = []
    for number in range(4):
        await requested(store, f"web-{number}")
        engine.counts.clear()
        await store.blocker_facts(Limits(), later(5))
        counts.append(engine.counts["statements"])
    assert len(set(counts)) == 1, counts
