"""Writes a reason as text: why an action may not run or an approval ended, and the remedy.

`person` writes users and groups: as `@U…` where nobody interprets it, else as the place shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from bot.approvals.mentions import mention
from bot.approvals.reasons import (
    SENT_BEFORE,
    BlockerKind,
    EndKind,
    LostVote,
    Reason,
    VoteProblem,
)
from bot.errors import Refused

Person = Callable[[str], str]

_WHY: Mapping[BlockerKind | EndKind, str] = {
    BlockerKind.INCIDENT_CLOSED: "the incident {subject}",
    BlockerKind.EXPIRED: "this approval has expired",
    BlockerKind.APPROVED_TOO_LONG_AGO: "approved too long ago",
    BlockerKind.CLOCK_MOVED_BACK: "the clock was moved back after the approval",
    BlockerKind.SCOPE_CHANGED: "the incident's environment or service has changed",
    BlockerKind.SOP_EDITED: "the SOP {subject} was edited",
    BlockerKind.REQUIREMENT_CHANGED: "the policy was edited and its requirements have changed",
    BlockerKind.NOT_AS_SHOWN: "what would run is not what was shown",
    BlockerKind.NOT_ON_RECORD: "its approval is not on record",
    BlockerKind.VOTE_LOST: "{lost_vote}",
    BlockerKind.PLAN_CHANGED: "the gateway's plan has changed since it was shown",
    BlockerKind.NO_APPROVER: "nobody may approve this: policy.yaml names too few other approvers",
    BlockerKind.TRAIL_DISPUTED: "the audit trail was cut back or replaced: {reason}",
    BlockerKind.FROZEN: "everything is frozen by {user}{why}",
    BlockerKind.FREEZE_DISPUTED: "the store and the audit trail disagree about a freeze",
    BlockerKind.REQUEST_MISSING: (
        "an earlier request is on record, and missing or changed in the store"
    ),
    BlockerKind.WINDOW_CLOSED: "this may run only in a maintenance window{opens}",
    BlockerKind.DID_NOT_HELP: "{subject} did not help in this incident before",
    BlockerKind.TARGET_BUSY: "another action is running on {subject} (INC-{incident_id})",
    BlockerKind.TARGET_UNKNOWN: (
        "the outcome of another action on {subject} is unknown (INC-{incident_id})"
    ),
    BlockerKind.COOLDOWN: "{subject} was acted on {since_then}; next action {from_then}",
    BlockerKind.BREAKER_OPEN: (
        "the last {count} remediations of {subject} failed: its breaker is open until {until}"
    ),
    BlockerKind.BUDGET_SPENT: (
        "{count} remediations ran within the last hour, as many as the policy allows"
    ),
    BlockerKind.SOP_BUDGET_SPENT: (
        "{count} remediations of {subject} ran within the last hour, as many as the policy allows"
    ),
    BlockerKind.TARGET_BUDGET_SPENT: (
        "{count} remediations on {subject} ran within the last hour, as many as the policy allows"
    ),
    EndKind.NOBODY_DECIDED: "nobody decided in time",
    EndKind.EDITED: "{user} changed a value. The new card is below",
    EndKind.CANCELLED: "withdrawn by who asked, {user}",
    EndKind.APPROVAL_CANCELLED: "{user} withdrew the approval",
    EndKind.ANOTHER_APPROVED: "Another {another} was approved; this one was not run",
    EndKind.BY_POLICY: "the policy approves it by itself",
    EndKind.PART_OF_CASCADE: "the incident became a part of INC-{incident_id}",
    EndKind.WRITTEN: "{reason}",
}

_REMEDY: Mapping[BlockerKind | EndKind, str] = {
    BlockerKind.EXPIRED: "Propose it again.",
    BlockerKind.NO_APPROVER: (
        "An operator must name approvers under remediate.approvers in policy.yaml."
    ),
    BlockerKind.TRAIL_DISPUTED: (
        "An operator must find out who changed the store, then restore a backup or begin a new"
        " trail: `python -m bot audit begin-anew`."
    ),
    BlockerKind.FROZEN: "An approver unblocks it: `/incident unfreeze`.",
    BlockerKind.FREEZE_DISPUTED: (
        "`python -m bot audit verify` has details; an approver settles it: `/incident unfreeze`."
    ),
    BlockerKind.REQUEST_MISSING: (
        "The limits cannot be counted reliably. An operator must check the store with"
        " `python -m bot store status`."
    ),
    BlockerKind.WINDOW_CLOSED: "Wait for the window, or edit remediate.maintenance_windows.",
    BlockerKind.DID_NOT_HELP: "Try something else, or do it by hand.",
    BlockerKind.TARGET_BUSY: "The buttons come back when that action ends.",
    BlockerKind.TARGET_UNKNOWN: "Press Check again, Mark done by hand or It did not run there.",
    BlockerKind.COOLDOWN: "The buttons come back at that time.",
    BlockerKind.BREAKER_OPEN: "Investigate by hand; the SOP may be wrong.",
    BlockerKind.BUDGET_SPENT: "Wait, or raise remediate.hourly_budget.",
    BlockerKind.SOP_BUDGET_SPENT: "Wait, or raise remediate.hourly_budget_per_sop.",
    BlockerKind.TARGET_BUDGET_SPENT: "Wait, or raise remediate.hourly_budget_per_target.",
}


_TO_PRESSER = {
    VoteProblem.USER_UNREAD: "Slack did not say who you are",
    VoteProblem.DEACTIVATED: "this account is deactivated",
    VoteProblem.BOT: "a bot never counts",
    VoteProblem.STRANGER: "only people of this workspace count",
    VoteProblem.GUEST: "guests never count",
    VoteProblem.GUEST_UNREAD: "Slack did not say whether you are a guest",
    VoteProblem.GROUP_UNREAD: "Slack did not say who is in {groups}",
    VoteProblem.NOT_APPROVER: "you are not an approver of this action",
    VoteProblem.REQUESTER: "you asked for this, so somebody else must approve it",
    VoteProblem.EDITOR: "you changed a value of this, so somebody else must approve it",
}
_TO_OTHERS = _TO_PRESSER | {
    VoteProblem.USER_UNREAD: "Slack did not say who they are",
    VoteProblem.GUEST_UNREAD: "Slack did not say whether they are a guest",
    VoteProblem.NOT_APPROVER: "they are not an approver of this action",
    VoteProblem.REQUESTER: "they asked for this, so somebody else must approve it",
    VoteProblem.EDITOR: "they changed a value of this, so somebody else must approve it",
}
_REMEDY_OF_PROBLEM = {
    VoteProblem.USER_UNREAD: "Try again in a minute.",
    VoteProblem.GUEST_UNREAD: (
        "Try again in a minute; if this persists, an operator must check what Slack answers to"
        " `users.info`."
    ),
}


def named(who: str) -> str:
    """Return a user or group by id, for texts that Slack does not interpret."""
    return f"@{who}"


def why(
    reason: Reason, clock: Callable[[datetime], str] | None = None, person: Person = named
) -> str:
    """Return the reason, in lower case and without a full stop; `clock` writes its times, else in
    UTC."""
    at, time = clock or _at, clock or _time
    since, until = reason.since, reason.until
    text = _WHY[reason.kind].format(
        subject=_closed(reason),
        user=person(reason.user),
        reason=reason.reason,
        why=f" ({reason.reason})" if reason.reason else "",
        lost_vote=_uncounted(reason.lost_vote, person) if reason.lost_vote else "",
        another=_another(reason),
        incident_id=reason.incident_id,
        since_then=at(since) if since else "",
        until=time(until) if until else "",
        from_then=at(until) if until else "",
        opens=f", which opens {at(until)}" if until else "",
        count=reason.count,
    )
    return SENT_BEFORE + text if reason.was_sent else text


def remedy(reason: Reason) -> str:
    """Return the remedy; '' if nothing can be done about this approval."""
    return _REMEDY.get(reason.kind, "")


def sentence(reason: Reason | None, person: Person = named) -> str:
    """Return reason and remedy of an ended approval as one sentence; '' for none."""
    if reason is None:
        return ""
    text = why(reason, person=person)
    return f"{text}. {remedy(reason)}" if remedy(reason) else text


def refused(blocker: Reason, what: str) -> Refused:
    """Return the error for the person who pressed or asked: `what` was not done, and why."""
    reason = blocker
    if blocker.user or blocker.lost_vote:
        # Slack interprets text in < >: only our own may stay unescaped.
        escaped = blocker.reason.replace("<", "&lt;").replace(">", "&gt;")
        reason = replace(blocker, reason=escaped)
    return Refused(
        f"{what}: {why(reason, person=mention)}.", remedy=remedy(blocker), reason=str(blocker.kind)
    )


def to_presser(no: LostVote) -> str:
    """Return why a vote does not count, for the person who pressed."""
    text = _TO_PRESSER[no.problem] if no.problem else ""
    return text.format(groups=", ".join(map(mention, no.groups)))


def remedy_of(problem: VoteProblem) -> str:
    """Return the remedy for the person; '' if there is none."""
    return _REMEDY_OF_PROBLEM.get(problem, "")


def _uncounted(vote: LostVote, person: Person) -> str:
    """Return why too few approvals still count, for other people."""
    if vote.problem is None:
        return "too few people approved"
    text = _TO_OTHERS[vote.problem].format(groups=", ".join(map(person, vote.groups)))
    return f"the approval by {person(vote.user)} does not count any more: {text}"


def _another(reason: Reason) -> str:
    """Return the action that was approved instead; `reason` is its verb if it is the same
    action."""
    what = f"{reason.reason} of" if reason.reason else "action on"
    return f"{what} {reason.subject}"


def _closed(reason: Reason) -> str:
    """Return the status of a closed incident as text."""
    if reason.kind is BlockerKind.INCIDENT_CLOSED and reason.subject != "resolved":
        return f"is {reason.subject}"
    return reason.subject


def _time(when: datetime) -> str:
    return f"{when:%H:%M:%S} UTC"


def _at(when: datetime) -> str:
    return f"at {_time(when)}"
