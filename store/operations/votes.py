"""Counts each person's vote on a proposal once, and decides by one conditional UPDATE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.approvals import reason_text
from bot.approvals.limits import DEFAULT_LIMITS, Limits
from bot.approvals.model import Approval, Choice, Vote
from bot.approvals.policy import Voter, check_vote, outcome
from bot.approvals.reasons import EndKind, Reason
from bot.approvals.transitions import ApprovalEvent
from bot.errors import Refused
from bot.incidents.model import Incident
from bot.incidents.remediation import RemediationStatus
from bot.language import N_, deferred
from store.operations import approvals, audit, guards, incidents
from store.operations.part import Part
from store.operations.transitions import Change, transition
from store.statements import Operation, execute, query, to_db_time


def vote(
    approval_id: str,
    voter: Voter,
    choice: Choice,
    home_team: str,
    now: datetime,
    press: Mapping[str, str],
    *,
    reason: str,
    limits: Limits,
) -> Operation[Approval]:
    """Count one person's vote; the deciding vote claims the approval and queues its dispatch.

    Refused tells the person why. Any number of concurrent calls leads to one execution of an
    approval.
    """
    # Of two who press at once, each counts the other. The incident cannot close meanwhile: it would
    # miss this approval.
    rows = yield query("SELECT incident_id FROM approvals WHERE id = ?", approval_id)
    for row in rows:
        yield from incidents.lock_incident(row["incident_id"])
    approval = yield from approvals.get(approval_id)
    check_vote(approval, voter, home_team=home_team, now=now, choice=choice)
    yield from audit.check_clock(now)
    incident = yield from incidents.get(approval.incident_id)
    if choice is Choice.REJECT and voter.user in (approval.requested_by, *approval.approved_by):
        over: Approval = yield from _cancel(approval, incident, voter.user, now, press)
        return over
    if choice is Choice.APPROVE:
        if approval.terms.reason_required and not reason.strip():
            raise Refused(
                deferred("Not counted: this needs a reason."),
                remedy=deferred("Press Approve again."),
            )
        blocker = yield from guards.blocker(approval, incident, limits, now)
        if blocker:
            raise reason_text.refused(blocker, N_("Not counted"))
    count = yield execute(
        "INSERT INTO votes (approval_id, voter, choice, at, reason) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (approval_id, voter) DO NOTHING",
        approval_id,
        voter.user,
        choice,
        to_db_time(now),
        reason.strip(),
    )
    if not count:
        raise Refused(deferred("Your vote is counted already."))
    facts = {**press, "choice": choice, "digest": approval.digest}
    if reason.strip():
        facts["reason"] = reason.strip()
    change = Change(
        event=_event(outcome(approval, choice)),
        now=now,
        actor=voter.user,
        only_if=("expires_at > ?", to_db_time(now)),
        detail=facts,
    )
    vote = Vote(voter.user, choice, now, reason.strip())
    voted = replace(approval, votes=tuple(sorted((*approval.votes, vote), key=_in_order)))
    decided: Approval | None = yield from transition(voted, change, incident)
    if decided is None:
        raise Refused(deferred("Not counted: this was decided a moment ago."))
    if decided.state is RemediationStatus.APPROVED:
        yield from approvals.queue(decided, now)
    return decided


def _event(state: RemediationStatus | None) -> ApprovalEvent:
    """Return the event of a vote that leads to this state; None means that more votes are
    needed."""
    if state is None:
        return ApprovalEvent.VOTE
    is_approved = state is RemediationStatus.APPROVED
    return ApprovalEvent.APPROVE if is_approved else ApprovalEvent.REJECT


def _in_order(vote: Vote) -> tuple[datetime, str]:
    return vote.at, vote.user


def _cancel(
    approval: Approval, incident: Incident, user: str, now: datetime, press: Mapping[str, str]
) -> Operation[Approval]:
    """Cancel the approval for its requester or an approver.

    This is no vote of the requester, and an approval that counted stays on record: so `votes` gets
    no row, and the trail records the press with the rejection.
    """
    is_requester = user == approval.requested_by
    kind = EndKind.CANCELLED if is_requester else EndKind.APPROVAL_CANCELLED
    change = Change(
        event=ApprovalEvent.CANCEL,
        now=now,
        actor=user,
        reason=Reason(kind=kind, user=user),
        only_if=("expires_at > ?", to_db_time(now)),
        detail=press,
    )
    cancelled: Approval | None = yield from transition(approval, change, incident)
    if cancelled is None:
        raise Refused(deferred("Not counted: this was decided a moment ago."))
    return cancelled


class VotesPart(Part):
    """The methods of `Store` for votes."""

    async def vote(
        self,
        approval_id: str,
        voter: Voter,
        choice: Choice,
        home_team: str,
        now: datetime,
        press: Mapping[str, str] | None = None,
        *,
        reason: str = "",
        limits: Limits = DEFAULT_LIMITS,
    ) -> Approval:
        """Count one person's vote.

        One approval leads to at most one execution, also with concurrent votes. `press` is Slack's
        id of the press; it is recorded with the vote. Refused tells the person why; NotFound for an
        unknown id. An approval is refused too while the limits or a freeze would block the action.
        """
        return await self._write(
            vote,
            approval_id,
            voter,
            choice,
            home_team,
            now,
            press or {},
            reason=reason,
            limits=limits,
        )
