"""A freeze stands in the store and on the audit trail; while the two disagree nothing is sent."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.limits import Limits
from bot.approvals.model import Approval, Choice, Freeze
from bot.approvals.reason_text import sentence
from bot.approvals.reasons import BlockerKind
from bot.errors import Refused
from bot.incidents.remediation import RemediationStatus
from store import Store
from store.admin.invariants import broken
from store.audit.proof.rows import HEAD
from store.operations.audit_kinds import Kind
from tests.helpers.builders import (
    ANA,
    BEN,
    NOW,
    OPS,
    TEAM,
    claim_execution,
    later,
    pending_approval,
    voter,
)
from tests.helpers.requests import approved, blocker_of, claimed, may_send
from tests.helpers.trail import anchors, fault, tamper, trail

REVOKED = RemediationStatus.REVOKED


async def frozen_message(store: Store) -> Any:
    messages = await store.outbox_due(OPS, later(1_000))
    return next((message for message in messages if message.kind == "frozen"), None)


# Freeze and unfreeze say what they did


async def test_a_freeze_its_announcement_and_its_record_are_one(store: Store) -> None:
    freeze = Freeze(ANA, later(2), "a move")
    assert await store.freeze(ANA, "a move", later(2), channel=OPS) == (freeze, True)
    message = await frozen_message(store)
    notice = await store.notice(int(message.subject))
    assert notice is not None
    assert (notice.body["by"], notice.body["why"], notice.ended_at) == (ANA, "a move", None)
    assert [row.kind for row in await trail(store)] == ["frozen"]
    assert await store.frozen() == freeze


async def test_whoever_freezes_second_is_told_whose_freeze_stands(store: Store) -> None:
    first, _ = await store.freeze(ANA, "a move", later(2), channel=OPS)
    assert await store.freeze(BEN, "again", later(3), channel=OPS) == (first, False)
    assert len(await trail(store)) == 1


async def test_unfreeze_tells_what_it_ended_and_of_nothing_that_it_ended_nothing(
    store: Store,
) -> None:
    assert await store.unfreeze(BEN, later(1), channel=OPS) is None
    assert await trail(store) == []
    freeze, _ = await store.freeze(ANA, "a move", later(2), channel=OPS)
    message = await frozen_message(store)
    assert await store.unfreeze(BEN, later(5), channel=OPS) == freeze
    notice = await store.notice(int(message.subject))
    assert notice is not None
    assert (notice.body["lifted_by"], notice.ended_at) == (BEN, later(5))
    assert await store.unfreeze(BEN, later(6), channel=OPS) is None
    assert [row.kind for row in await trail(store)] == ["frozen", "unfrozen"]
    assert await fault(store) == ""


async def test_a_freeze_that_cannot_be_recorded_is_not_announced_either(store: Store) -> None:
    await store.freeze(ANA, "", later(1), channel=OPS)
    await store.unfreeze(ANA, later(2), channel=OPS)
    before = await frozen_message(store)
    await tamper(store, ("UPDATE audit_anchors SET mac = 'x' WHERE name = 'head'",))
    with pytest.raises(Exception, match="tampered"):
        await store.freeze(BEN, "again", later(3), channel=OPS)
    assert await frozen_message(store) == before


# Deleted by hand

NOBODY_CAN_TELL = "disagree about a freeze|the audit trail was cut back"


DELETE_ROW = ("DELETE FROM freezes",)


DELETE_RECORD = ("DELETE FROM audit WHERE kind = 'frozen'",)


EDIT_RECORD = ("UPDATE audit SET kind = 'unfrozen' WHERE kind = 'frozen'",)


HIDE_RECORD = ("UPDATE audit SET incident_id = 1 WHERE kind = 'frozen'",)


DELETE_HEAD = ("DELETE FROM audit_anchors WHERE name = 'head'",)


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize(
    "changes",
    [
        [DELETE_ROW],
        [DELETE_ROW, DELETE_RECORD],
        [DELETE_ROW, EDIT_RECORD],
        [DELETE_ROW, HIDE_RECORD],
        [DELETE_ROW, DELETE_HEAD],
        [DELETE_ROW, ("UPDATE audit_anchors SET note = substr(note, 1, 27)",)],
    ],
    ids=["row", "row and record", "edited", "hidden", "head", "the head's note"],
)
async def test_a_freeze_that_is_deleted_by_hand_still_holds(
    store: Store, changes: list[tuple[Any, ...]]
) -> None:
    approval = await approved(store)
    execution = await claimed(store)
    waiting = await pending_approval(store, approval.incident_id)
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    await tamper(store, *changes)
    freeze = await store.frozen()
    assert freeze is not None
    assert freeze.disputed
    assert await fault(store) != "" or changes == [DELETE_ROW]
    try:
        assert not await may_send(store, execution, 4), "what was claimed is not sent"
        assert re.search(NOBODY_CAN_TELL, sentence((await store.approval(approval.id)).reason))
        with pytest.raises(Refused, match=NOBODY_CAN_TELL):
            await store.vote(waiting.id, voter(ANA), Choice.APPROVE, TEAM, later(5))
    except Exception as error:  # without a genuine end nothing at all is recorded, and so not sent
        if "tampered" not in str(error) and DELETE_HEAD not in changes:
            raise
    assert [row for row in await trail(store) if row.kind == "request"] == []


@pytest.mark.attack("ASI03")
async def test_an_approver_settles_a_disputed_freeze(store: Store) -> None:
    approval = await approved(store)
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    await tamper(store, DELETE_ROW)
    ended = await store.unfreeze(ANA, later(4), channel=OPS)
    assert ended is not None
    assert (ended.by, ended.disputed) == (BEN, True)
    assert await store.frozen() is None
    assert await may_send(store, await claimed(store, 5), 6)
    assert await fault(store) == ""
    assert (await store.approval(approval.id)).state is RemediationStatus.APPROVED


@pytest.mark.attack("ASI03")
async def test_a_freeze_that_nobody_put_on_record_blocks_too_and_says_so(store: Store) -> None:
    await approved(store)
    row = ("INSERT INTO freezes (name, actor, at, reason) VALUES ('all', 'U0EVE', ?, '')",)
    await tamper(store, (*row, "2026-11-21T03:04:05.000000Z"))
    freeze = await store.frozen()
    assert freeze is not None
    assert freeze.disputed
    assert await claim_execution(store, later(4), Limits()) is None


async def test_frozen_again_after_the_row_was_deleted_stands_as_it_should(store: Store) -> None:
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    await tamper(store, DELETE_ROW)
    assert await store.freeze(ANA, "still", later(4), channel=OPS) == (
        Freeze(ANA, later(4), "still"),
        True,
    )
    assert await store.frozen() == Freeze(ANA, later(4), "still")


@pytest.mark.attack("ASI10")
async def test_a_request_that_was_sent_after_a_freeze_is_found_by_the_proof(store: Store) -> None:
    await approved(store)
    execution = await claimed(store)
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    # A rogue bot, with the key: it sends, and puts on record what it did.
    await store.record(Kind.REQUEST, now=later(4), incident_id=1, subject=execution.id)
    last = len(await trail(store))
    assert await fault(store) == (
        f"{last}: row {last} is a request that was sent while everything was frozen,"
        f" by row {last - 1}"
    )
    assert await store.close_audit_day(OPS, NOW + timedelta(days=1))
    day = await store.audit_day(NOW.date().isoformat())
    assert day is not None
    assert "sent while everything was frozen" in day.note


async def test_the_end_of_the_trail_says_whether_everything_is_frozen(store: Store) -> None:
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    await store.record(Kind.POLICY_LOADED, now=later(3), subject="x")
    assert (await anchors(store))[HEAD].note.endswith(" frozen")
    await store.unfreeze(ANA, later(4), channel=OPS)
    assert not (await anchors(store))[HEAD].note.endswith(" frozen")


async def test_a_freeze_older_than_what_retention_keeps_still_holds(store: Store) -> None:
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    await store.record(Kind.POLICY_LOADED, now=later(200), subject="x")
    assert await store.prune_audit(later(150), later(300)) > 0
    assert await store.frozen() == Freeze(BEN, later(3), "stop")
    await tamper(store, DELETE_ROW)
    freeze = await store.frozen()
    assert freeze is not None
    assert freeze.disputed


async def test_a_trail_that_is_begun_anew_keeps_the_freeze(store: Store) -> None:
    await store.freeze(BEN, "stop", later(3), channel=OPS)
    await store.reset_trail("key changed", later(4))
    assert await store.frozen() == Freeze(BEN, later(3), "stop")
    assert await fault(store) == ""


# Other rows whose deletion would let something run


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize(
    "change",
    [
        ("DELETE FROM executions WHERE approval_id = ?",),
        ("UPDATE executions SET started_at = '2020-01-01T00:00:00.000000Z' WHERE approval_id = ?",),
        ("UPDATE executions SET started_at = NULL WHERE approval_id = ?",),
        ("UPDATE executions SET state = 'revoked' WHERE approval_id = ?",),
        ("UPDATE executions SET state = 'failed' WHERE approval_id = ?",),
        ("UPDATE executions SET state = 'verified' WHERE approval_id = ?",),
        ("UPDATE approvals SET target = 'other' WHERE id = ?",),
        ("UPDATE approvals SET action_id = 'service.stop' WHERE id = ?",),
    ],
    ids=[
        *("deleted", "set back", "never begun", "revoked", "failed", "verified"),
        *("another target", "another action"),
    ],
)
async def test_a_request_that_the_limits_cannot_see_keeps_everything_from_being_sent(
    store: Store, change: tuple[str]
) -> None:
    first = await approved(store, target="web")
    assert await may_send(store, await claimed(store), 3)
    second = await pending_approval(store, first.incident_id, target="db")
    assert await blocker_of(store, second, 5) is None
    await tamper(store, (*change, first.id))
    assert await blocker_of(store, second, 5) is BlockerKind.REQUEST_MISSING
    with pytest.raises(Refused, match="an earlier request is on record, and missing"):
        await store.vote(second.id, voter(ANA), Choice.APPROVE, TEAM, later(5))
    assert (await store.blocker_facts(Limits(), later(86_500))).missing == (), "nothing looks back"


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET kind = 'refused' WHERE seq = ?",
        "UPDATE audit SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = ?",
        "UPDATE audit SET subject = 'another' WHERE seq = ?",
        "UPDATE audit SET detail = '{}' WHERE seq = ?",
        "DELETE FROM audit WHERE seq = ?",
    ],
    ids=["kind", "time", "subject", "detail", "deleted"],
)
@pytest.mark.parametrize("which", [0, 1, 2], ids=["first", "middle", "last"])
async def test_an_execution_deleted_with_an_edit_of_its_request_hides_from_no_limit(
    store: Store, change: str, which: int
) -> None:
    sent: list[Approval] = []
    for number in range(3):
        sent.append(await approved(store, target=f"web-{number}"))
        assert await may_send(store, await claimed(store, 3 + number), 3 + number)
    waiting = await pending_approval(store, sent[0].incident_id, target="db")
    assert await blocker_of(store, waiting, 7) is None
    hidden = [row for row in await trail(store) if row.kind == "request"][which]
    assert hidden.subject == sent[which].id
    await tamper(
        store,
        ("DELETE FROM executions WHERE approval_id = ?", hidden.subject),
        (change, hidden.seq),
    )
    assert await blocker_of(store, waiting, 8) is BlockerKind.REQUEST_MISSING
    with pytest.raises(Refused, match="an earlier request is on record, and missing"):
        await store.vote(waiting.id, voter(ANA), Choice.APPROVE, TEAM, later(8))
    assert await fault(store) != ""


async def test_requests_that_retention_forgot_are_not_missing(store: Store) -> None:
    approval = await approved(store, target="web")
    assert await may_send(store, await claimed(store), 3)
    await store.record(Kind.POLICY_LOADED, now=later(200_000), subject="x")
    assert await store.prune_audit(later(150_000), later(200_000)) > 0
    waiting = await pending_approval(
        store, approval.incident_id, target="db", expires_at=later(300_000)
    )
    assert await blocker_of(store, waiting, 200_001) is None


async def test_what_is_deleted_by_hand_shows_without_the_key_too(store: Store) -> None:
    approval = await approved(store, target="web")
    assert await may_send(store, await claimed(store), 3)
    await store.freeze(BEN, "stop", later(4), channel=OPS)
    assert await store._engine.read(broken) == []
    await tamper(store, DELETE_ROW, ("DELETE FROM executions WHERE approval_id = ?", approval.id))
    items = {each.name for each in await store._engine.read(broken)}
    assert "the store has a freeze exactly when the audit trail has one" in items
    assert "every request in the audit trail has its execution" in items
