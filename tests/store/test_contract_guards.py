"""The limits that every store keeps for dispatches, however many replicas claim at once."""

from __future__ import annotations

import asyncio

import pytest

from bot.approvals.model import ApprovalConditions, Choice
from bot.approvals.reasons import EndKind, Reason
from bot.errors import AlreadyProposed, Refused
from bot.incidents.model import Severity
from bot.incidents.remediation import RemediationStatus
from store import Store
from tests.helpers.builders import (
    ANA,
    BEN,
    CAT,
    TEAM,
    alert,
    deliver,
    later,
    open_incident,
    pending_approval,
    resolved,
    revoke,
    voter,
)
from tests.helpers.limited_runs import (
    COOL,
    FAILED,
    NOT_VERIFIED,
    SUCCEEDED,
    UNKNOWN,
    VERIFIED,
    claim,
    ends,
    other,
    ran,
    reason,
    restart,
    yes,
)
from tests.helpers.stores import Storage
from tests.helpers.trail import fault

# One action a target at a time


async def test_what_is_approved_for_one_target_is_claimed_one_at_a_time_in_that_order(
    store: Store,
) -> None:
    waiting = []
    for number in range(3):
        incident = await other(store, f"svc-{number}")
        result = await pending_approval(store, incident.id, target="web")
        await yes(store, result, 3 - number)
        waiting.insert(0, result.id)
    elsewhere = await pending_approval(store, (await open_incident(store)).id, target="db")
    await yes(store, elsewhere, 5)
    claimed = []
    for _ in range(3):
        execution = await claim(store, 6)
        assert execution is not None
        if not claimed:
            free = await claim(store, 6)
            assert free is not None
            assert free.approval_id == elsewhere.id, "another target waits for nothing"
        assert await claim(store, 6) is None
        claimed.append(execution.approval_id)
        await ends(store, execution, FAILED, 7)
    assert claimed == waiting
    assert await fault(store) == ""


async def test_what_waits_for_its_target_is_revoked_when_that_cools_down(store: Store) -> None:
    first = await pending_approval(store, (await open_incident(store)).id, target="web")
    second = await pending_approval(store, (await other(store)).id, target="web")
    await yes(store, first, 1)
    await yes(store, second, 1.5)
    execution = await claim(store, 2, COOL)
    assert execution is not None
    assert await claim(store, 3, COOL) is None
    assert not (await store.approval(second.id)).reason
    await ends(store, execution, SUCCEEDED, 4)
    assert await claim(store, 5, COOL) is None
    assert "web was acted on at 03:04:07 UTC; next action at 03:09:07" in await reason(
        store, second
    )


@pytest.mark.sqlite_file
async def test_however_many_claim_at_once_one_acts_on_the_target(storage: Storage) -> None:
    stores = [await storage.open(f"bot-{n}") for n in range(3)]
    approvals = []
    for number in range(6):
        incident = await other(stores[0], f"svc-{number}")
        item = await pending_approval(stores[0], incident.id, target="web")
        await yes(stores[0], item)
        approvals.append(item)
    claimed = await asyncio.gather(*(claim(store) for store in stores for _ in range(3)))
    assert len([item for item in claimed if item]) == 1
    states = [(await stores[0].approval(item.id)).state for item in approvals]
    assert states == [RemediationStatus.APPROVED] * 6, "five wait for their turn"


async def test_a_vote_is_refused_while_another_action_runs_on_the_target(store: Store) -> None:
    first = await pending_approval(store, (await open_incident(store)).id, target="web")
    second = await pending_approval(store, (await other(store)).id, target="web")
    await yes(store, first)
    execution = await claim(store)
    assert execution is not None
    with pytest.raises(Refused, match=r"Not counted: another action is running on web"):
        await yes(store, second, 3)
    await ends(store, execution, FAILED, 4)
    await yes(store, second, 5)


async def test_of_an_unknown_outcome_nothing_else_acts_there_until_people_decided(
    store: Store,
) -> None:
    execution = await ran(store, await open_incident(store), UNKNOWN, answer=None)
    second = await pending_approval(store, (await other(store)).id, target="web")
    with pytest.raises(Refused, match=r"the outcome of another action on web is unknown"):
        await yes(store, second, 5)
    assert await store.mark_by_hand(execution, CAT, later(6), later(306))
    assert not await store.mark_by_hand(execution, BEN, later(7), later(307))
    done = await store.execution(execution.id)
    assert (done.state, done.by_hand, done.verify_until) == (SUCCEEDED, CAT, later(306))
    assert [item.id for item in await store.verifying()] == [execution.id]
    await yes(store, second, 8)
    assert await fault(store) == ""


async def test_what_else_waits_for_the_target_in_that_incident_is_revoked(store: Store) -> None:
    incident = await open_incident(store)
    first = await pending_approval(store, incident.id, target="web")
    waiting = await pending_approval(store, incident.id, proposal=restart(2))
    approved = await pending_approval(store, incident.id, proposal=restart(3))
    elsewhere = await pending_approval(store, incident.id, target="db")
    await yes(store, first)
    await yes(store, approved, 1.5)
    assert await claim(store) is not None
    for items in (waiting, approved):
        why = "Another restart of web was approved; this one was not run"
        assert await reason(store, items) == why
    bad_news = (await store.card_content(incident.id)).bad_news
    assert [item.mentions for item in bad_news] == [(), ()], "nobody has to act"
    assert not (await store.approval(elsewhere.id)).decided


# Undo


async def test_an_undo_that_ran_makes_what_it_took_back_undone(store: Store) -> None:
    incident = await open_incident(store)
    done = await ran(store, incident, NOT_VERIFIED, at=1)
    undo = await pending_approval(store, incident.id, target="web", undoes=done.id)
    await yes(store, undo, 5, COOL)  # neither the cool-down nor the repeat is in its way
    execution = await claim(store, 6, COOL)
    assert execution is not None
    await ends(store, execution, FAILED, 7)
    assert (await store.execution(done.id)).state is NOT_VERIFIED, "it did not work"
    approval = await pending_approval(store, incident.id, target="web", undoes=done.id)
    await yes(store, approval, 8, COOL)
    execution = await claim(store, 9, COOL)
    assert execution is not None
    await ends(store, execution, SUCCEEDED, 10)
    assert (await store.execution(done.id)).state is RemediationStatus.UNDONE
    with pytest.raises(Refused, match="did not help"):
        await pending_approval(store, incident.id, target="web")
    assert await fault(store) == ""


async def test_what_nobody_can_tell_is_concluded_once_and_stays_succeeded(store: Store) -> None:
    execution = await ran(store, await open_incident(store), SUCCEEDED)
    assert await store.conclude(execution.id, SUCCEEDED, "nobody can tell", later(400))
    assert not await store.conclude(execution.id, VERIFIED, "late", later(401))
    result = await store.execution(execution.id)
    assert (result.state, result.concluded_at) == (SUCCEEDED, later(400))
    assert await store.verifying() == []
    assert await fault(store) == ""


# Who asked nobody


async def test_an_action_that_needs_no_approval_is_queued_at_once(store: Store) -> None:
    result = await pending_approval(
        store,
        (await open_incident(store)).id,
        needed=0,
        state=RemediationStatus.APPROVED,
        decided_at=later(1),
        requested_by="",
        reason=Reason(kind=EndKind.BY_POLICY),
    )
    execution = await claim(store)
    assert execution is not None
    assert execution.approval_id == result.id
    assert await fault(store) == ""


async def test_a_vote_without_the_required_reason_is_refused(store: Store) -> None:
    result = await pending_approval(
        store, (await open_incident(store)).id, terms=ApprovalConditions(reason_required=True)
    )
    with pytest.raises(Refused, match="this needs a reason"):
        await store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(1), reason="  ")
    entry = await store.vote(
        result.id, voter(ANA), Choice.APPROVE, TEAM, later(1), reason=" it is 3 "
    )
    assert [vote.reason for vote in entry.votes] == ["it is 3"]


# What it was good for


async def test_the_track_record_is_of_this_sop_and_action_over_all_incidents(store: Store) -> None:
    for number, state in enumerate((VERIFIED, NOT_VERIFIED, VERIFIED)):
        begins = 1_000 * number
        item = alert(service="web", fingerprint="fp")
        incident = await store.incident(
            await deliver(store, item, at=later(begins), sop_id="sop_x")
        )
        approval = await pending_approval(
            store, incident.id, requested_at=later(begins), expires_at=later(begins + 900)
        )
        await yes(store, approval, begins + 1)
        execution = await claim(store, begins + 2)
        assert execution is not None
        await ends(store, execution, state, begins + 10)
        ended = resolved(service="web", fingerprint="fp")
        await deliver(store, ended, at=later(begins + 20), sop_id="sop_x")
    result = await store.track_record("sop_x", "service.restart")
    assert (result.runs, result.verified, result.came_back) == (3, 2, 1)
    assert result.median_recovery == 9.0
    assert (result.last_failed_at, result.last_failed_by) == (later(1_002), ANA)
    (ledger,) = await store.outcomes("sop_x", later(3_000))
    assert (ledger.ran, ledger.helped, ledger.did_not_help) == (3, 1, 2)
    assert (await store.track_record("sop_x", "service.stop")).runs == 0
    assert (await store.track_record("sop_y", "service.restart")).runs == 0


@pytest.mark.attack("ASI03")
async def test_a_severity_that_any_sender_may_say_takes_nothing_back(store: Store) -> None:
    incident = await open_incident(store)
    waits, approved = (
        await pending_approval(store, incident.id),
        await pending_approval(store, incident.id),
    )
    await yes(store, approved)
    await deliver(store, alert(severity=Severity.CRITICAL), at=later(2))
    assert not (await store.approval(waits.id)).decided
    assert await claim(store, 3) is not None


# The same is proposed once


async def test_the_same_proposal_of_an_incident_is_one_card_whoever_asks(store: Store) -> None:
    incident, elsewhere = await open_incident(store), await other(store)
    result = await pending_approval(store, incident.id, target="web")
    with pytest.raises(AlreadyProposed, match="Restart web is awaiting approval"):
        await pending_approval(store, incident.id, target="web", requested_by=BEN)
    for different in (
        pending_approval(store, incident.id, proposal=restart(2)),
        pending_approval(store, elsewhere.id, target="web"),
        pending_approval(store, incident.id, target="web", undoes="exec-1"),
    ):
        assert (await different).id
    await yes(store, result)
    with pytest.raises(AlreadyProposed, match="Restart web is approved"):
        await pending_approval(store, incident.id, target="web")
    assert await claim(store) is not None
    assert await pending_approval(store, incident.id, target="web"), (
        "its card says what is under way"
    )


async def test_what_is_withdrawn_stays_so_and_what_is_sent_cannot_be(store: Store) -> None:
    incident = await open_incident(store)
    item, sent = (
        await pending_approval(store, incident.id),
        await pending_approval(store, incident.id),
    )
    assert await revoke(store, item.id, "not any more", later(1))
    assert not await revoke(store, item.id, "twice", later(1))
    assert "not any more" in await reason(store, item)
    await yes(store, sent)
    execution = await claim(store)
    assert execution is not None
    await store.finish_execution(
        execution, RemediationStatus.SUCCEEDED, answer={}, error="", now=later(2)
    )
    assert not await revoke(store, sent.id, "too late", later(3))


async def test_an_approval_from_the_future_is_not_used(store: Store) -> None:
    result = await pending_approval(store, (await open_incident(store)).id)
    await yes(store, result, 500)
    assert await claim(store, 2) is None
    assert await reason(store, result) == "the clock was moved back after the approval"
