"""Approvals in every store: requested once, decided once, one execution at most."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.approvals.model import Approval, ApprovalConditions, UserStatus
from bot.approvals.policy import Voter
from bot.approvals.reasons import EndKind, Reason, VoteProblem
from bot.errors import NotFound, Refused
from bot.incidents.remediation import Parameter, Preview, Proposal, RemediationStatus
from store import Store
from tests.helpers.builders import (
    ANA,
    BEN,
    CAT,
    TEAM,
    approval,
    claim_execution,
    later,
    open_incident,
    pending_approval,
    revoke,
    voter,
)
from tests.helpers.stores import Storage
from tests.helpers.voting import NO, YES, say

# Asking


async def test_an_approval_comes_back_as_it_was_asked(store: Store) -> None:
    incident = await open_incident(store)
    proposal = Proposal(
        action_id="service.restart",
        title="Restart <web> “quoted”",
        target="web",
        parameters=(
            Parameter("target", "web", "alert: service"),
            Parameter("grace", 1.5, "SOP web-procedure"),
            Parameter("force", True, "default"),
        ),
        risk="medium",
        reversible="no",
        intent="restart the service",
    )
    result = approval(incident.id, proposal=proposal, preview=Preview("a\nb", "d", "1 thing"))
    assert await store.ask(result, "o1") == result
    assert await store.approval(result.id) == result
    assert await store.approvals_of(incident.id) == [result]
    assert await store.approvals_waiting() == [result]
    assert await store.execution_of(result.id) is None


async def test_asking_is_told_in_the_story_and_shown_in_the_thread(store: Store) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id)
    last = (await store.timeline(incident.id))[-1]
    assert (last.kind, last.text, last.actor) == ("proposed", "Proposed: Restart web", CAT)
    shown = await store.outbox_message(f"approval:{result.id}")
    assert shown is not None
    assert (shown.in_thread, shown.desired_version) == (True, 1)


async def test_the_same_origin_asks_once_even_when_many_ask_at_once(store: Store) -> None:
    incident = await open_incident(store)
    answers = await asyncio.gather(
        *(store.ask(approval(incident.id), "advice:1:0") for _ in range(10))
    )
    assert len({answer.id for answer in answers}) == 1
    assert len(await store.approvals_of(incident.id)) == 1
    items = [answer.kind for answer in await store.timeline(incident.id)]
    assert items.count("proposed") == 1


async def test_nothing_is_proposed_for_a_resolved_incident(store: Store) -> None:
    incident = await open_incident(store)
    await store.resolve(incident.id, ANA, later(1))
    with pytest.raises(Refused, match="is resolved: nothing is proposed any more"):
        await store.ask(approval(incident.id), "o1")
    assert await store.approvals_of(incident.id) == []


async def test_an_unknown_approval_or_incident_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="not known here"):
        await store.approval("feedbeef")
    with pytest.raises(NotFound, match="not known here"):
        await store.vote("feedbeef", voter(ANA), YES, TEAM, later(1))
    with pytest.raises(NotFound, match="INC-999"):
        await store.ask(approval(999), "o1")


async def test_approvals_of_an_incident_come_oldest_first_and_waiting_by_expiry(
    store: Store,
) -> None:
    incident = await open_incident(store)
    late = await pending_approval(store, incident.id, requested_at=later(1), expires_at=later(500))
    early = await pending_approval(store, incident.id, requested_at=later(2), expires_at=later(100))
    assert [item.id for item in await store.approvals_of(incident.id)] == [late.id, early.id]
    assert [item.id for item in await store.approvals_waiting()] == [early.id, late.id]


# Voting


async def test_one_vote_approves_and_queues_one_execution(store: Store) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id)
    after = await say(store, result, ANA, at=7)
    assert after.state is RemediationStatus.APPROVED
    assert (after.decided_by, after.decided_at) == (ANA, later(7))
    assert [(vote.user, vote.choice, vote.at) for vote in after.votes] == [(ANA, YES, later(7))]
    execution = await store.execution_of(result.id)
    assert execution is not None
    assert (execution.state, execution.created_at) == (RemediationStatus.APPROVED, later(7))
    assert (execution.incident_id, execution.owner) == (incident.id, "")
    last = (await store.timeline(incident.id))[-1]
    assert (last.text, last.actor) == ("Approved: Restart web", ANA)
    shown = await store.outbox_message(f"approval:{result.id}")
    assert shown is not None
    assert shown.desired_version == 2


async def test_a_no_ends_it_and_nothing_is_queued(store: Store) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id, needed=2)
    after = await say(store, result, ANA, NO)
    assert (after.state, after.decided_by) == (RemediationStatus.REJECTED, ANA)
    assert await store.execution_of(result.id) is None
    with pytest.raises(Refused, match="Not counted: this remediation is rejected"):
        await say(store, result, BEN)
    assert await claim_execution(store, later(2)) is None


async def test_a_quorum_of_two_needs_two_people(store: Store) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id, needed=2)
    first = await say(store, result, ANA)
    assert first.state is RemediationStatus.AWAITING_APPROVAL
    assert await store.execution_of(result.id) is None
    with pytest.raises(Refused, match="counted already"):
        await say(store, result, ANA, at=2)
    second = await say(store, result, BEN, at=3)
    assert (second.state, second.decided_by) == (RemediationStatus.APPROVED, BEN)
    assert [vote.user for vote in second.votes] == [ANA, BEN]
    assert await store.execution_of(result.id) is not None


async def test_a_rejection_after_the_first_of_two_approvals_ends_it(store: Store) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id, needed=2)
    await say(store, result, ANA)
    assert (await say(store, result, BEN, NO)).state is RemediationStatus.REJECTED


@pytest.mark.parametrize(
    ("changes", "press", "text"),
    [
        ({}, {"user": "U0EVE"}, "you are not an approver"),
        ({}, {"user": ANA, "team": "T0OTHER"}, "Not counted: only people of this workspace"),
        ({}, {"user": ANA, "at": 900}, "expired"),
        ({"approvers": ()}, {"user": ANA}, "Not counted: nobody may approve this"),
    ],
    ids=["a stranger", "another workspace", "too late", "no approvers"],
)
async def test_a_press_that_may_not_count_is_refused_and_leaves_no_trace(
    store: Store, changes: dict[str, Any], press: dict[str, Any], text: str
) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id, **changes)
    before = await store.timeline(incident.id)
    for choice in (YES, NO):
        with pytest.raises(Refused, match=text):
            await say(store, result, choice=choice, **press)
    assert await store.approval(result.id) == result
    assert await store.timeline(incident.id) == before
    assert await store.execution_of(result.id) is None


@pytest.mark.parametrize("approvers", [(ANA, BEN, CAT), (ANA, BEN), ()])
async def test_who_asked_does_not_approve_it_but_may_take_it_back(
    store: Store, approvers: tuple[str, ...]
) -> None:
    result = await pending_approval(
        store, (await open_incident(store)).id, requested_by=CAT, approvers=approvers
    )
    with pytest.raises(Refused, match="Not counted"):
        await say(store, result, CAT)
    over = await say(store, result, CAT, NO)
    assert (over.state, over.decided_by) == (RemediationStatus.REJECTED, CAT)
    assert over.reason == Reason(kind=EndKind.CANCELLED, user=CAT)
    assert over.votes == (), "it is no vote"
    with pytest.raises(Refused, match="this remediation is rejected"):
        await say(store, result, ANA)


async def test_who_asked_and_is_a_guest_by_now_takes_nothing_back(store: Store) -> None:
    result = await pending_approval(store, (await open_incident(store)).id, requested_by=CAT)
    guest = Voter(CAT, TEAM, UserStatus(problem=VoteProblem.GUEST))
    with pytest.raises(Refused, match="guests never count"):
        await store.vote(result.id, guest, NO, TEAM, later(1))


async def test_an_approver_may_still_reject_until_it_is_decided(store: Store) -> None:
    result = await pending_approval(store, (await open_incident(store)).id, needed=2)
    await say(store, result, ANA)
    over = await say(store, result, ANA, NO, at=2)
    assert (over.state, over.decided_by) == (RemediationStatus.REJECTED, ANA)
    assert over.reason == Reason(kind=EndKind.APPROVAL_CANCELLED, user=ANA)
    assert [vote.choice for vote in over.votes] == [YES], "what counted stays on record"
    with pytest.raises(Refused, match="this remediation is rejected"):
        await say(store, result, BEN, at=3)
    assert await store.execution_of(result.id) is None


async def test_an_edit_takes_the_old_ones_place_once(store: Store) -> None:
    incident = await open_incident(store)
    old = await pending_approval(store, incident.id)
    fresh = approval(incident.id, terms=ApprovalConditions(editors=(BEN,)))
    assert await store.edit(old.id, fresh, "e1", BEN, {"grace": "2"}) == fresh
    pending = approval(incident.id)
    assert await store.edit(old.id, pending, "e1", BEN, {"grace": "2"}) == fresh, "sent twice"
    before = await store.approval(old.id)
    assert before.state is RemediationStatus.REVOKED
    assert before.reason == Reason(kind=EndKind.EDITED, user=BEN)
    assert [item.id for item in await store.approvals_waiting()] == [fresh.id]


@pytest.mark.sqlite_file
async def test_of_two_who_edit_at_once_one_is_refused_and_leaves_no_trace(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    incident = await open_incident(here)
    for number in range(10):
        old = await pending_approval(here, incident.id)
        answers = await asyncio.gather(
            *(
                store.edit(old.id, approval(incident.id), f"e{number}/{user}", user, {"grace": "2"})
                for store, user in ((here, ANA), (there, BEN))
            ),
            return_exceptions=True,
        )
        (won,) = [answer for answer in answers if isinstance(answer, Approval)]
        (refusal,) = [answer for answer in answers if isinstance(answer, Refused)]
        assert "this remediation is revoked. Somebody was faster" in str(refusal)
        assert [answer.id for answer in await here.approvals_waiting()] == [won.id]
        await revoke(here, won.id, "the next round", later(1))


async def test_what_is_decided_is_not_edited(store: Store) -> None:
    incident = await open_incident(store)
    old = await pending_approval(store, incident.id)
    await say(store, old, ANA)
    with pytest.raises(Refused, match="this remediation is approved"):
        await store.edit(old.id, approval(incident.id), "e1", BEN, {})
    assert len(await store.approvals_of(incident.id)) == 1


@pytest.mark.sqlite_file
async def test_fifty_presses_at_once_lead_to_one_execution(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    incident = await open_incident(here)
    people = tuple(f"U0P{number:02}" for number in range(25))
    result = await pending_approval(here, incident.id, approvers=people)
    answers = await asyncio.gather(
        *(say(store, result, user) for user in people for store in (here, there)),
        return_exceptions=True,
    )
    won = [answer for answer in answers if isinstance(answer, Approval)]
    assert len(won) == 1
    assert all(isinstance(answer, Refused) for answer in answers if answer not in won)
    assert len((await here.approval(result.id)).votes) == 1
    claims = [await claim_execution(here, later(2)), await claim_execution(there, later(2))]
    assert [claim is not None for claim in claims] == [True, False]


async def test_an_approval_and_a_rejection_at_once_have_one_winner(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    incident = await open_incident(here)
    for _ in range(10):
        result = await pending_approval(here, incident.id)
        answers = await asyncio.gather(
            say(here, result, ANA, YES), say(there, result, BEN, NO), return_exceptions=True
        )
        assert sum(isinstance(answer, Refused) for answer in answers) == 1
        decided = await here.approval(result.id)
        execution = await here.execution_of(result.id)
        assert (decided.state is RemediationStatus.APPROVED) == (execution is not None)
