"""The rules of a vote. Every refusal says why, and what to do, to the person who pressed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.approvals.model import Approval, Choice
from bot.errors import Refused
from bot.incidents.remediation import RemediationStatus


@dataclass(frozen=True, slots=True)
class Voter:
    """Who pressed, as Slack's payload says: user id and workspace."""

    user: str
    team: str


def check_vote(approval: Approval, voter: Voter, *, home_team: str, now: datetime) -> None:
    """Raise Refused unless this person may vote on this approval now.

    An empty approvers list means nobody. Who asked for the action never approves it.
    """
    if voter.team != home_team:
        raise Refused("Not counted: only people of this workspace can decide here.")
    if approval.decided:
        raise Refused(f"Not counted: this remediation is {approval.state}.")
    if now >= approval.expires_at:
        raise Refused("Not counted: this approval has expired.", remedy="Propose it again.")
    if not approval.approvers:
        raise Refused(
            "Not counted: nobody may approve this.",
            remedy="An operator must name approvers under remediate.approvers in policy.yaml.",
        )
    if voter.user not in approval.approvers:
        raise Refused(
            "Not counted: you are not an approver of this action.",
            remedy=f"Ask {mentions(approval.approvers)}.",
        )
    if voter.user == approval.requested_by:
        others = [user for user in approval.approvers if user != voter.user]
        raise Refused(
            "Not counted: you asked for this, so somebody else must approve it.",
            remedy=f"Ask {mentions(others)}." if others else "policy.yaml names no other approver.",
        )


def mentions(users: Iterable[str]) -> str:
    """Slack mentions of the users, comma separated; nobody is 'nobody'."""
    return ", ".join(f"<@{user}>" for user in users) or "nobody"


def outcome(approval: Approval, choice: Choice) -> RemediationStatus | None:
    """The state after one more vote, or None while more are needed. One reject ends it."""
    if choice is Choice.REJECT:
        return RemediationStatus.REJECTED
    said_yes = sum(vote.choice is Choice.APPROVE for vote in approval.votes) + 1
    return RemediationStatus.APPROVED if said_yes >= approval.needed else None
