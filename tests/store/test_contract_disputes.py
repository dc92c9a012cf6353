"""A trail that was wiped or cut back is known by the process that has seen a later row of it."""

from __future__ import annotations

from dataclasses import astuple, fields
from typing import Any

import pytest

from bot.approvals.blockers import evaluate
from bot.approvals.limits import Limits
from bot.approvals.model import Approval, ApprovalConditions, Binding, Choice
from bot.approvals.reasons import BlockerKind
from bot.errors import Refused
from bot.incidents.remediation import RemediationStatus
from store import Store
from store.audit.known_head import Head
from store.audit.proof.rows import Anchor, Row
from store.operations import audit
from store.operations.audit_kinds import Kind
from store.statements import Operation
from tests.helpers.builders import (
    ANA,
    AUDIT_KEY,
    BEN,
    OPS,
    TEAM,
    claim_execution,
    later,
    open_incident,
    pending_approval,
    voter,
)
from tests.helpers.trail import anchors, fault, tamper, trail

pytestmark = pytest.mark.attack("ASI10")

WIPED = (("DELETE FROM freezes",), ("DELETE FROM audit",), ("DELETE FROM audit_anchors",))


async def proposed(store: Store) -> Approval:
    incident = await open_incident(store)
    terms = ApprovalConditions(
        bound=Binding(severity=incident.severity, env=incident.env, service="web")
    )
    return await pending_approval(store, incident.id, terms=terms)


async def put_back(store: Store, rows: list[Row], ends: dict[str, Anchor]) -> None:
    """An older copy of the trail, anchors and all, as whoever may write to the database can."""
    row, anchor = (", ".join("?" * len(fields(shape))) for shape in (Row, Anchor))
    await tamper(
        store,
        *WIPED,
        *((f"INSERT INTO audit VALUES ({row})", *astuple(item)) for item in rows),  # noqa: S608
        *((f"INSERT INTO audit_anchors VALUES ({anchor})", *astuple(end)) for end in ends.values()),  # noqa: S608
    )


async def notices(store: Store) -> list[Any]:
    due = await store.outbox_due(OPS, later(1_000))
    return [message for message in due if message.kind == "trail"]


async def may_be_approved(store: Store, approval: Approval) -> bool:
    incident = await store.incident(approval.incident_id)
    facts = await store.blocker_facts(Limits(), later(10))
    blocker = evaluate(approval, incident, facts, Limits(), later(10))
    return blocker is None or blocker.kind is not BlockerKind.TRAIL_DISPUTED


async def test_a_freeze_that_is_wiped_with_the_whole_trail_is_noticed(store: Store) -> None:
    approval = await proposed(store)
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    await tamper(store, *WIPED)
    assert not await may_be_approved(store, approval)
    with pytest.raises(Refused, match="the audit trail was cut back or replaced"):
        await store.vote(approval.id, voter(ANA), Choice.APPROVE, TEAM, later(4))
    assert "it is empty, and had 2 rows" in await store.check_trail(OPS, later(11))
    assert "a bot that was running found, by row" in await fault(store)


async def test_a_trail_cut_back_to_an_older_anchor_is_noticed(store: Store) -> None:
    approval = await proposed(store)
    rows, ends = await trail(store), await anchors(store)
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    await put_back(store, rows, ends)
    assert await fault(store) == "", "its own key made each row of it"
    assert not await may_be_approved(store, approval)
    assert await fault(store) == "", "nothing was looked at by the clock yet"
    why = await store.check_trail(OPS, later(11))
    assert why == f"it ends at row {len(rows)}, and had {len(rows) + 1} rows before"
    assert why in await fault(store)


async def test_what_was_approved_before_the_trail_was_cut_back_is_not_sent(store: Store) -> None:
    approval = await proposed(store)
    await store.vote(approval.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
    rows, ends = await trail(store), await anchors(store)
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    await put_back(store, rows, ends)
    assert await claim_execution(store, later(4), Limits()) is None
    assert (await store.approval(approval.id)).state is RemediationStatus.REVOKED


async def test_a_trail_that_grew_again_past_the_cut_is_still_another_one(store: Store) -> None:
    approval = await proposed(store)
    rows, ends = await trail(store), await anchors(store)
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    await put_back(store, rows, ends)
    for at in range(4):  # by a process that has just started
        fresh = Store(store._engine, owner=f"fresh-{at}", audit_key=AUDIT_KEY)
        await fresh.record(Kind.POLICY_LOADED, now=later(5 + at), subject="x")
    assert len(await trail(store)) > len(rows) + 1
    assert not await may_be_approved(store, approval)
    assert "is not the one that stood there before" in await store.check_trail(OPS, later(11))


async def test_a_decision_recorded_on_a_wiped_trail_gives_it_away(store: Store) -> None:
    await store.record(Kind.POLICY_LOADED, now=later(1), subject="x")
    await store.record(Kind.POLICY_LOADED, now=later(2), subject="y")
    await tamper(store, *WIPED)
    for at in range(3):
        await store.record(Kind.POLICY_LOADED, now=later(3 + at), subject="z")
    assert len(await trail(store)) > 2, "it is longer than what was seen"
    assert "it is empty, and had 2 rows" in await store.check_trail(OPS, later(11))


async def test_a_dispute_is_told_once_and_other_processes_know_of_it(store: Store) -> None:
    approval = await proposed(store)
    await tamper(store, *WIPED)
    for at in range(3):
        assert await store.check_trail(OPS, later(4 + at))
    other = Store(store._engine, owner="started-later", audit_key=AUDIT_KEY)
    assert "it is empty, and had 1 rows" in await other.check_trail(OPS, later(9))
    assert not await may_be_approved(other, approval)
    assert len(await notices(store)) == 1
    assert [row.kind for row in await trail(store)].count("disputed") == 1


async def test_a_new_trail_settles_it_for_the_process_that_starts_then(store: Store) -> None:
    approval = await proposed(store)
    await tamper(store, *WIPED)
    await store.check_trail(OPS, later(4))
    operator = Store(store._engine, owner="audit", audit_key=AUDIT_KEY)
    await operator.reset_trail("somebody wiped it", later(5))
    started = Store(store._engine, owner="started-later", audit_key=AUDIT_KEY)
    assert await started.check_trail(OPS, later(6)) == ""
    assert await may_be_approved(started, approval)
    assert await fault(started) == ""
    assert not await may_be_approved(store, approval), "the process that saw it is not restarted"


@pytest.mark.parametrize("first", ["looks", "records"])
async def test_a_process_that_has_just_started_notices_that_the_last_row_is_gone(
    store: Store, first: str
) -> None:
    approval = await proposed(store)
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    last = (await trail(store))[-1].seq
    await tamper(store, (f"DELETE FROM audit WHERE seq = {last}",))  # noqa: S608 - a number
    started = Store(store._engine, owner="started-later", audit_key=AUDIT_KEY)
    if first == "records":
        await started.record(Kind.POLICY_LOADED, now=later(4), subject="policy.yaml")
    assert not await may_be_approved(started, approval)
    for at in range(3):
        assert f"row {last} is missing" in await started.check_trail(OPS, later(5 + at))
    assert len(await notices(store)) == 1


async def test_a_process_that_has_just_started_finds_the_last_row_after_pruning(
    store: Store,
) -> None:
    for at in range(4):
        await store.record(Kind.POLICY_LOADED, now=later(at), subject="x")
    await store.prune_audit(later(150), later(200))
    started = Store(store._engine, owner="started-later", audit_key=AUDIT_KEY)
    assert await started.check_trail(OPS, later(300)) == ""


async def test_a_process_that_has_just_started_knows_it_by_the_head_that_was_posted(
    store: Store,
) -> None:
    approval = await proposed(store)
    rows, ends = await trail(store), await anchors(store)
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    last = (await trail(store))[-1]
    await put_back(store, rows, ends)
    started = Store(store._engine, owner="started-later", audit_key=AUDIT_KEY)
    assert await started.check_trail(OPS, later(5)) == "", "the store alone cannot know"
    await started.compare_posted_heads([(Head(last.seq, last.mac), later(4))])
    assert "its head was posted in Slack, and since then" in await started.check_trail(
        OPS, later(5)
    )
    assert not await may_be_approved(started, approval)


async def test_an_older_head_that_was_posted_once_more_hides_no_higher_one(store: Store) -> None:
    await proposed(store)
    rows, ends = await trail(store), await anchors(store)
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    last = (await trail(store))[-1]
    await put_back(store, rows, ends)
    started = Store(store._engine, owner="started-later", audit_key=AUDIT_KEY)
    older = Head(rows[-1].seq, rows[-1].mac)
    posted = [(older, later(5)), (Head(last.seq, last.mac), later(4)), (older, later(2))]
    await started.compare_posted_heads(posted)
    assert "its head was posted in Slack" in await started.trail_dispute()


async def test_a_trail_begun_anew_since_the_head_was_posted_is_no_dispute(store: Store) -> None:
    await store.record(Kind.POLICY_LOADED, now=later(1), subject="x")
    await store.reset_trail("restored a backup", later(5))
    for posted_at, disputed in ((later(4), False), (later(6), True)):
        started = Store(store._engine, owner="started-later", audit_key=AUDIT_KEY)
        await started.compare_posted_heads([(Head(7, "f" * 64), posted_at)])
        view = started._known_head.view()
        assert bool(view.dispute) is disputed


@pytest.mark.parametrize("pruned", [False, True])
async def test_what_other_replicas_record_and_prune_is_no_dispute(
    store: Store, pruned: bool
) -> None:
    other = Store(store._engine, owner="other", audit_key=AUDIT_KEY)
    for at in range(4):
        await store.record(Kind.POLICY_LOADED, now=later(at), subject="x")
        await other.record(Kind.POLICY_LOADED, now=later(at), subject="y")
    if pruned:
        await store.record(Kind.POLICY_LOADED, now=later(200), subject="x")
        assert await store.prune_audit(later(150), later(200)) == 8
    assert await other.check_trail(OPS, later(300)) == ""
    assert await store.check_trail(OPS, later(300)) == ""
    assert await notices(store) == []


async def test_an_undone_change_is_not_remembered_as_a_row(store: Store) -> None:
    await store.record(Kind.POLICY_LOADED, now=later(1), subject="x")

    def failing() -> Operation[None]:
        yield from audit.record(Kind.POLICY_LOADED, now=later(2), subject="y")
        raise Refused("no")

    with pytest.raises(Refused):
        await store._write(failing)
    assert len(await trail(store)) == 1
    assert await store.check_trail(OPS, later(3)) == ""


async def test_nothing_is_added_to_a_trail_that_shows_by_itself_what_is_wrong(store: Store) -> None:
    approval = await proposed(store)
    await store.record(Kind.POLICY_LOADED, now=later(2), subject="x")
    await tamper(store, ("DELETE FROM audit WHERE seq = 2",))
    assert "row 2 is missing" in await store.check_trail(OPS, later(3))
    assert len(await trail(store)) == 1
    assert await fault(store) == "2: cut off at the end: rows 2 to 2 are missing"
    assert not await may_be_approved(store, approval)
    assert len(await notices(store)) == 1
