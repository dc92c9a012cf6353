"""The limits that every store keeps for dispatches, however many replicas claim at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.limits import Limits
from bot.approvals.model import Approval, ApprovalConditions, Choice, Execution
from bot.approvals.reason_text import sentence
from bot.approvals.reasons import EndKind, Reason
from bot.errors import AlreadyProposed, Refused
from bot.incidents.model import Incident, Severity
from bot.incidents.remediation import Parameter, Proposal, RemediationStatus
from store import Store
from tests.helpers.builders import (
    ANA,
    BEN,
    CAT,
    OPS,
    TEAM,
    alert,
    approval,
    claim_execution,
    deliver,
    later,
    open_incident,
    pending_approval,
    resolved,
    revoke,
    voter,
)
from tests.helpers.stores import Storage
from tests.helpers.trail import fault

SUCCEEDED, FAILED = RemediationStatus.SUCCEEDED, RemediationStatus.FAILED
NOT_VERIFIED, VERIFIED = RemediationStatus.NOT_VERIFIED, RemediationStatus.VERIFIED
UNKNOWN, REVOKED = RemediationStatus.OUTCOME_UNKNOWN, RemediationStatus.REVOKED
COOL = Limits(cooldowns={"service.restart": timedelta(minutes=5)})


async def yes(store: Store, item: Approval, at: float = 1, limits: Limits | None = None) -> None:
    await store.vote(
        item.id, voter(ANA), Choice.APPROVE, TEAM, later(at), limits=limits or Limits()
    )


async def claim(store: Store, at: float = 2, limits: Limits | None = None) -> Execution | None:
    return await claim_execution(store, later(at), limits or Limits())


async def ends(
    store: Store, execution: Execution, state: RemediationStatus, at: float = 3, **how: Any
) -> Execution:
    first = SUCCEEDED if state in (VERIFIED, NOT_VERIFIED) else state
    answer = how.get("answer", {"exit_code": 0})
    done = await store.finish_execution(
        execution, first, answer=answer, error="", now=later(at), verify_until=later(at + 300)
    )
    if first is not state:
        assert await store.conclude(done.id, state, "looked", later(at + 1))
    return await store.execution(done.id)


async def ran(
    store: Store,
    incident: Incident,
    state: RemediationStatus,
    *,
    at: float = 1,
    target: str = "web",
    **how: Any,
) -> Execution:
    """A remediation of the incident that was approved, sent, and ended so."""
    result = await pending_approval(store, incident.id, target=target)
    await yes(store, result, at)
    execution = await claim(store, at)
    assert execution is not None
    return await ends(store, execution, state, at + 1, **how)


def restart(grace: int) -> Proposal:
    """A restart of web that differs by its grace."""
    proposal = approval(1, target="web").proposal
    return replace(proposal, parameters=(Parameter("grace_seconds", grace, "default"),))


async def other(store: Store, name: str = "db") -> Incident:
    return await open_incident(store, service=name, fingerprint=f"fp-{name}")


async def reason(store: Store, item: Approval) -> str:
    result = await store.approval(item.id)
    assert result.state is REVOKED, result.state
    return sentence(result.reason)


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


async def test_a_yes_is_refused_while_another_action_runs_there(store: Store) -> None:
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


# How often and how soon, and not at all


async def test_a_target_cools_down_after_anything_was_sent_to_it(store: Store) -> None:
    await ran(store, await open_incident(store), VERIFIED)  # sent at 1
    result = await pending_approval(store, (await other(store)).id, target="web")
    with pytest.raises(Refused, match=r"web was acted on at 03:04:06 UTC; next action at 03:09:06"):
        await yes(store, result, 300, COOL)
    await yes(store, result, 301, COOL)


async def test_what_never_reached_the_gateway_cools_nothing_down(store: Store) -> None:
    await ran(store, await open_incident(store), FAILED, answer=None)
    result = await pending_approval(store, (await other(store)).id, target="web")
    await yes(store, result, 5, COOL)


async def test_a_clock_moved_back_does_not_end_a_cooldown(store: Store) -> None:
    await ran(store, await open_incident(store), VERIFIED, at=50)
    result = await pending_approval(store, (await other(store)).id, target="web")
    with pytest.raises(Refused, match="next action at"):
        await yes(store, result, 10, COOL)


async def test_after_three_failures_of_one_sop_its_breaker_is_open_for_a_while(
    store: Store,
) -> None:
    for number, state in enumerate((FAILED, NOT_VERIFIED, FAILED)):
        incident = await store.incident(
            await deliver(
                store, alert(service=f"s{number}", fingerprint=f"fp-{number}"), sop_id="sop_x"
            )
        )
        await ran(store, incident, state, at=1 + number, target=f"t-{number}")
    incident = await store.incident(
        await deliver(store, alert(service="s9", fingerprint="fp-9"), sop_id="sop_x")
    )
    with pytest.raises(Refused, match=r"Not proposed: the last 3 remediations of sop_x failed"):
        await pending_approval(store, incident.id)
    elsewhere = await pending_approval(store, (await other(store)).id)
    await yes(store, elsewhere, 9)
    late = await pending_approval(
        store, incident.id, requested_at=later(3700), expires_at=later(4000)
    )
    await yes(store, late, 3701)


async def test_a_verified_remediation_closes_the_breaker(store: Store) -> None:
    for number, state in enumerate((FAILED, FAILED, VERIFIED, FAILED)):
        incident = await store.incident(
            await deliver(
                store, alert(service=f"s{number}", fingerprint=f"fp-{number}"), sop_id="sop_x"
            )
        )
        await ran(store, incident, state, at=1 + 2 * number, target=f"t-{number}")
    incident = await store.incident(
        await deliver(store, alert(service="s9", fingerprint="fp-9"), sop_id="sop_x")
    )
    assert await pending_approval(store, incident.id)


async def test_within_an_hour_no_more_runs_than_the_budget_allows(store: Store) -> None:
    two = Limits(hourly_budget=2)
    for number in range(2):
        await ran(store, await other(store, f"s{number}"), VERIFIED, target=f"t-{number}")
    result = await pending_approval(store, (await open_incident(store)).id, expires_at=later(9_000))
    with pytest.raises(Refused, match="2 remediations ran within the last hour"):
        await yes(store, result, 9, two)
    await yes(store, result, 3_602, two)


async def test_a_budget_that_was_spent_after_the_yes_revokes_it(store: Store) -> None:
    first, second = [
        await pending_approval(store, (await other(store, f"s{n}")).id) for n in range(2)
    ]
    limits = Limits(hourly_budget=1)
    await yes(store, first, 1, limits)
    await yes(store, second, 1.5, limits)
    assert await claim(store, 2, limits)
    assert await claim(store, 2, limits) is None
    assert "as many as the policy allows" in await reason(store, second)


@pytest.mark.attack("ASI08")
async def test_one_sop_cannot_use_up_the_budget_of_all(store: Store) -> None:
    limits = Limits(hourly_budget_per_sop=2)
    incidents = []
    for number in range(3):
        named = await open_incident(
            store, service="web", env=f"e{number}", fingerprint=f"fp{number}"
        )
        incidents.append(named)
    assert len({incident.sop_id for incident in incidents}) == 3
    same = incidents[0]
    for number in range(2):
        await ran(store, same, VERIFIED, target=f"t-{number}")
    third = await pending_approval(store, same.id, target="t-3")
    with pytest.raises(Refused, match=f"2 remediations of {same.sop_id} ran within the last hour"):
        await yes(store, third, 9, limits)
    another = await pending_approval(store, incidents[1].id, target="t-4")
    await yes(store, another, 9, limits)
    assert await claim(store, 10, limits)


@pytest.mark.attack("ASI08")
async def test_one_target_is_acted_on_only_so_often_an_hour_whatever_asks(store: Store) -> None:
    limits = Limits(hourly_budget_per_target=2)
    for number in range(2):
        await ran(store, await other(store, f"s{number}"), VERIFIED, target="web")
    incident = await open_incident(store)
    with pytest.raises(Refused, match="2 remediations on web ran within the last hour"):
        await yes(store, await pending_approval(store, incident.id, target="web"), 9, limits)
    other_target = await pending_approval(store, incident.id, target="db")
    await yes(store, other_target, 9, limits)
    assert await claim(store, 10, limits)


async def test_what_did_not_help_is_not_repeated_in_that_incident(store: Store) -> None:
    incident = await open_incident(store)
    await ran(store, incident, NOT_VERIFIED)
    with pytest.raises(Refused, match="Restart web did not help in this incident before"):
        await pending_approval(store, incident.id, target="web")
    assert await pending_approval(store, incident.id, target="db")
    assert await pending_approval(store, (await other(store)).id, target="web")


async def test_while_everything_is_frozen_nothing_is_counted_or_claimed(store: Store) -> None:
    before = await pending_approval(store, (await open_incident(store)).id)
    approved = await pending_approval(store, (await other(store)).id)
    await yes(store, approved)
    await store.freeze(ANA, "a move", later(2), channel=OPS)
    with pytest.raises(Refused, match=r"everything is frozen by <@U0ANA> \(a move\)"):
        await yes(store, before, 3)
    await store.vote(before.id, voter(ANA), Choice.REJECT, TEAM, later(3))
    assert await claim(store, 4) is None
    assert "frozen" in await reason(store, approved)
    await store.unfreeze(BEN, later(5), channel=OPS)
    assert await store.frozen() is None
    assert await fault(store) == ""


async def test_a_freeze_shows_on_every_card_that_waits(store: Store) -> None:
    result = await pending_approval(store, (await open_incident(store)).id)
    message = await store.outbox_message(f"approval:{result.id}")
    assert message is not None
    await store.freeze(ANA, "", later(2), channel=OPS)
    frozen = await store.outbox_message(message.key)
    assert frozen is not None
    assert frozen.desired_version == message.desired_version + 1


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


async def test_what_needs_nobodys_yes_is_queued_at_once(store: Store) -> None:
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


async def test_a_yes_without_the_reason_that_is_asked_for_is_refused(store: Store) -> None:
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


async def test_a_yes_of_a_time_yet_to_come_is_not_acted_on(store: Store) -> None:
    result = await pending_approval(store, (await open_incident(store)).id)
    await yes(store, result, 500)
    assert await claim(store, 2) is None
    assert await reason(store, result) == "the clock was moved back after the approval"
