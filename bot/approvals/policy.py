"""The rules of a vote. Every refusal tells the person the reason and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.approvals import reason_text
from bot.approvals.mentions import is_group, mentions
from bot.approvals.model import UNKNOWN, Approval, Choice, UserStatus
from bot.approvals.reasons import LostVote, VoteProblem
from bot.errors import Refused
from bot.incidents.remediation import RemediationStatus
from bot.language import deferred

SKEW = timedelta(seconds=60)
"""Two replicas' clocks may differ by this much. A clock that is further behind was moved."""


@dataclass(frozen=True, slots=True)
class Voter:
    """The person who pressed: user id and workspace of Slack's payload, and their status."""

    user: str
    team: str
    user_status: UserStatus = UNKNOWN


def check_vote(
    approval: Approval,
    voter: Voter,
    *,
    home_team: str,
    now: datetime,
    choice: Choice = Choice.APPROVE,
) -> None:
    """Raise Refused unless this person may cast this vote on this approval now.

    An empty list of approvers means nobody. The requester and people who changed a value never
    approve the action; the requester may cancel it.
    """
    if voter.team != home_team:
        raise Refused(deferred("Not counted: only people of this workspace can decide here."))
    if approval.decided:
        raise Refused(deferred("Not counted: this remediation is {state}.", state=approval.state))
    if now >= approval.expires_at:
        raise Refused(
            deferred("Not counted: this approval has expired."),
            remedy=deferred("Propose it again."),
        )
    if now < approval.requested_at - SKEW:
        raise Refused(
            deferred("Not counted: the bot's clock is before the moment this was asked."),
            remedy=deferred("Its clock was moved; an operator must look."),
        )
    is_theirs = approval.requested_by != "" and voter.user == approval.requested_by
    if choice is Choice.REJECT and is_theirs and not voter.user_status.problem:
        return
    if not approval.approvers:
        raise Refused(
            deferred("Not counted: nobody may approve this."),
            remedy=deferred(
                "An operator must name approvers under remediate.approvers in policy.yaml."
            ),
        )
    if no := no_vote(approval, voter.user, voter.user_status):
        why = reason_text.to_presser(no)
        remedy = _ask_whom(approval, voter)
        raise Refused(
            deferred("Not counted: {why}.", why=why), remedy=remedy, reason=str(no.problem)
        )


def no_vote(approval: Approval, user: str, user_status: UserStatus) -> LostVote | None:
    """Return why this person's vote does not count on this approval; None if it does.

    It is checked at the press, and for every approver again before the request is sent.
    """
    if user_status.problem:
        return LostVote(user_status.problem, user=user)
    if not user_status.is_one_of(user, approval.approvers):
        if user_status.unread:
            return LostVote(VoteProblem.GROUP_UNREAD, tuple(sorted(user_status.unread)), user)
        return LostVote(VoteProblem.NOT_APPROVER, user=user)
    if user == approval.requested_by:
        return LostVote(VoteProblem.REQUESTER, user=user)
    if user in approval.terms.editors:
        return LostVote(VoteProblem.EDITOR, user=user)
    return None


def who_can_still_approve(approval: Approval) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (users, user groups) of the policy's approvers whose approval would still count.

    The requester, the editors and those who approved already do not. Only Slack knows who is in a
    group.
    """
    out = {*approval.interested, *approval.approved_by}
    users = tuple(who for who in approval.approvers if not is_group(who) and who not in out)
    return users, tuple(who for who in approval.approvers if is_group(who))


def _ask_whom(approval: Approval, voter: Voter) -> str:
    problem = voter.user_status.problem
    if problem is VoteProblem.GUEST_UNREAD:
        return reason_text.remedy_of(problem)
    if problem is VoteProblem.USER_UNREAD or voter.user_status.unread:
        return deferred("Press again in a minute.")
    others = [
        approver
        for approver in approval.approvers
        if approver not in {voter.user, *approval.interested}
    ]
    if not others:
        return deferred("policy.yaml names no other approver.")
    return deferred("Ask {people}.", people=mentions(others))


def outcome(approval: Approval, choice: Choice) -> RemediationStatus | None:
    """Return the state after one more vote, or None while more are needed.

    One rejection ends it.
    """
    if choice is Choice.REJECT:
        return RemediationStatus.REJECTED
    approved_by = len(approval.approved_by) + 1
    return RemediationStatus.APPROVED if approved_by >= approval.needed else None
