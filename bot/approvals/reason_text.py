"""Writes a reason as text: why an action may not run or an approval ended, and the remedy.

`person` writes users and groups: as `@U…` where nobody interprets it, else as the place shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from bot.approvals.mentions import mention
from bot.approvals.reasons import (
    BlockerKind,
    EndKind,
    LostVote,
    Reason,
    VoteProblem,
)
from bot.errors import Refused
from bot.language import N_, Deferred, deferred

Person = Callable[[str], str]

_WHY: Mapping[BlockerKind | EndKind, str] = {
    BlockerKind.INCIDENT_CLOSED: N_("the incident {subject}"),
    BlockerKind.EXPIRED: N_("this approval has expired"),
    BlockerKind.APPROVED_TOO_LONG_AGO: N_("approved too long ago"),
    BlockerKind.CLOCK_MOVED_BACK: N_("the clock was moved back after the approval"),
    BlockerKind.SCOPE_CHANGED: N_("the incident's environment or service has changed"),
    BlockerKind.SOP_EDITED: N_("the SOP {subject} was edited"),
    BlockerKind.REQUIREMENT_CHANGED: N_("the policy was edited and its requirements have changed"),
    BlockerKind.NOT_AS_SHOWN: N_("what would run is not what was shown"),
    BlockerKind.NOT_ON_RECORD: N_("its approval is not on record"),
    BlockerKind.VOTE_LOST: "{lost_vote}",
    BlockerKind.PLAN_CHANGED: N_("the gateway's plan has changed since it was shown"),
    BlockerKind.NO_APPROVER: N_(
        "nobody may approve this: policy.yaml names too few other approvers"
    ),
    BlockerKind.TRAIL_DISPUTED: N_("the audit trail was cut back or replaced: {reason}"),
    BlockerKind.FROZEN: N_("everything is frozen by {user}{why}"),
    BlockerKind.FREEZE_DISPUTED: N_("the store and the audit trail disagree about a freeze"),
    BlockerKind.SCOPE_FROZEN: N_("{subject} is frozen by {user}{why}"),
    BlockerKind.REQUEST_MISSING: N_(
        "an earlier request is on record, and missing or changed in the store"
    ),
    BlockerKind.WINDOW_CLOSED: N_("this may run only in a maintenance window{opens}"),
    BlockerKind.DID_NOT_HELP: N_("{subject} did not help in this incident before"),
    BlockerKind.TARGET_BUSY: N_("another action is running on {subject} (INC-{incident_id})"),
    BlockerKind.TARGET_UNKNOWN: N_(
        "the outcome of another action on {subject} is unknown (INC-{incident_id})"
    ),
    BlockerKind.COOLDOWN: N_("{subject} was acted on {since_then}; next action {from_then}"),
    BlockerKind.BREAKER_OPEN: N_(
        "the last {count} remediations of {subject} failed: its breaker is open until {until}"
    ),
    BlockerKind.BUDGET_SPENT: N_(
        "{count} remediations ran within the last hour, as many as the policy allows"
    ),
    BlockerKind.SOP_BUDGET_SPENT: N_(
        "{count} remediations of {subject} ran within the last hour, as many as the policy allows"
    ),
    BlockerKind.TARGET_BUDGET_SPENT: N_(
        "{count} remediations on {subject} ran within the last hour, as many as the policy allows"
    ),
    EndKind.NOBODY_DECIDED: N_("nobody decided in time"),
    EndKind.EDITED: N_("{user} changed a value. The new card is below"),
    EndKind.CANCELLED: N_("withdrawn by who asked, {user}"),
    EndKind.APPROVAL_CANCELLED: N_("{user} withdrew the approval"),
    EndKind.ANOTHER_APPROVED: N_("Another {another} was approved; this one was not run"),
    EndKind.BY_POLICY: N_("the policy approves it by itself"),
    EndKind.PART_OF_CASCADE: N_("the incident became a child of INC-{incident_id}"),
    EndKind.WRITTEN: "{reason}",
}

_REMEDY: Mapping[BlockerKind | EndKind, str] = {
    BlockerKind.EXPIRED: N_("Propose it again."),
    BlockerKind.NO_APPROVER: N_(
        "An operator must name approvers under remediate.approvers in policy.yaml."
    ),
    BlockerKind.TRAIL_DISPUTED: N_(
        "An operator must find out who changed the store, then restore a backup or begin a new"
        " trail: `python -m bot audit begin-anew`."
    ),
    BlockerKind.FROZEN: N_("An approver unblocks it: `/incident unfreeze`."),
    BlockerKind.FREEZE_DISPUTED: N_(
        "`python -m bot audit verify` has details; an approver settles it: `/incident unfreeze`."
    ),
    BlockerKind.SCOPE_FROZEN: N_("An approver unblocks it: `/incident freeze` says how."),
    BlockerKind.REQUEST_MISSING: N_(
        "The limits cannot be counted reliably. An operator must check the store with"
        " `python -m bot store status`."
    ),
    BlockerKind.WINDOW_CLOSED: N_("Wait for the window, or edit remediate.maintenance_windows."),
    BlockerKind.DID_NOT_HELP: N_("Try something else, or do it by hand."),
    BlockerKind.TARGET_BUSY: N_("The buttons come back when that action ends."),
    BlockerKind.TARGET_UNKNOWN: N_("Press Check again, Mark done by hand or It did not run there."),
    BlockerKind.COOLDOWN: N_("The buttons come back at that time."),
    BlockerKind.BREAKER_OPEN: N_("Investigate by hand; the SOP may be wrong."),
    BlockerKind.BUDGET_SPENT: N_("Wait, or raise remediate.hourly_budget."),
    BlockerKind.SOP_BUDGET_SPENT: N_("Wait, or raise remediate.hourly_budget_per_sop."),
    BlockerKind.TARGET_BUDGET_SPENT: N_("Wait, or raise remediate.hourly_budget_per_target."),
}


_TO_PRESSER = {
    VoteProblem.USER_UNREAD: N_("Slack did not say who you are"),
    VoteProblem.DEACTIVATED: N_("this account is deactivated"),
    VoteProblem.BOT: N_("a bot never counts"),
    VoteProblem.STRANGER: N_("only people of this workspace count"),
    VoteProblem.GUEST: N_("guests never count"),
    VoteProblem.GUEST_UNREAD: N_("Slack did not say whether you are a guest"),
    VoteProblem.GROUP_UNREAD: N_("Slack did not say who is in {groups}"),
    VoteProblem.NOT_APPROVER: N_("you are not an approver of this action"),
    VoteProblem.REQUESTER: N_("you asked for this, so somebody else must approve it"),
    VoteProblem.EDITOR: N_("you changed a value of this, so somebody else must approve it"),
}
_TO_OTHERS = _TO_PRESSER | {
    VoteProblem.USER_UNREAD: N_("Slack did not say who they are"),
    VoteProblem.GUEST_UNREAD: N_("Slack did not say whether they are a guest"),
    VoteProblem.NOT_APPROVER: N_("they are not an approver of this action"),
    VoteProblem.REQUESTER: N_("they asked for this, so somebody else must approve it"),
    VoteProblem.EDITOR: N_("they changed a value of this, so somebody else must approve it"),
}
_REMEDY_OF_PROBLEM = {
    VoteProblem.USER_UNREAD: N_("Try again in a minute."),
    VoteProblem.GUEST_UNREAD: N_(
        "Try again in a minute; if this persists, an operator must check what Slack answers to"
        " `users.info`."
    ),
}


def named(who: str) -> str:
    """Return a user or group by id, for texts that Slack does not interpret."""
    return f"@{who}"


def why(
    reason: Reason, clock: Callable[[datetime], str] | None = None, person: Person = named
) -> Deferred:
    """Return the reason, in lower case and without a full stop; `clock` writes its times, else in
    UTC."""
    at, time = clock or _at, clock or _time
    since, until = reason.since, reason.until
    text = deferred(
        _WHY[reason.kind],
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
        opens=deferred(", which opens {at}", at=at(until)) if until else "",
        count=reason.count,
    )
    return deferred("sent before it was revoked: {why}", why=text) if reason.was_sent else text


def remedy(reason: Reason) -> str:
    """Return the remedy; '' if nothing can be done about this approval."""
    return _REMEDY.get(reason.kind, "")


def sentence(reason: Reason | None, person: Person = named) -> str:
    """Return reason and remedy of an ended approval as one sentence; '' for none."""
    if reason is None:
        return ""
    text = why(reason, person=person)
    remedied = remedy(reason)
    return deferred("{why}. {remedy}", why=text, remedy=deferred(remedied)) if remedied else text


def refused(blocker: Reason, what: str) -> Refused:
    """Return the error for the person who pressed or asked: `what` was not done, and why."""
    reason = blocker
    if blocker.user or blocker.lost_vote:
        # Slack interprets text in < >: only our own may stay unescaped.
        escaped = blocker.reason.replace("<", "&lt;").replace(">", "&gt;")
        reason = replace(blocker, reason=escaped)
    return Refused(
        deferred("{what}: {why}.", what=deferred(what), why=why(reason, person=mention)),
        remedy=remedy(blocker),
        reason=str(blocker.kind),
    )


def to_presser(no: LostVote) -> str:
    """Return why a vote does not count, for the person who pressed."""
    if no.problem is None:
        return ""
    return deferred(_TO_PRESSER[no.problem], groups=", ".join(map(mention, no.groups)))


def remedy_of(problem: VoteProblem) -> str:
    """Return the remedy for the person; '' if there is none."""
    return _REMEDY_OF_PROBLEM.get(problem, "")


def _uncounted(vote: LostVote, person: Person) -> str:
    """Return why too few approvals still count, for other people."""
    if vote.problem is None:
        return deferred("too few people approved")
    text = deferred(_TO_OTHERS[vote.problem], groups=", ".join(map(person, vote.groups)))
    return deferred(
        "the approval by {user} does not count any more: {why}", user=person(vote.user), why=text
    )


def _another(reason: Reason) -> str:
    """Return the action that was approved instead; `reason` is its verb if it is the same
    action."""
    if reason.reason:
        return deferred("{verb} of {subject}", verb=reason.reason, subject=reason.subject)
    return deferred("action on {subject}", subject=reason.subject)


def _closed(reason: Reason) -> str:
    """Return the status of a closed incident as text."""
    if reason.kind is BlockerKind.INCIDENT_CLOSED and reason.subject != "resolved":
        return deferred("is {status}", status=deferred(reason.subject))
    return reason.subject


def _time(when: datetime) -> str:
    return f"{when:%H:%M:%S} UTC"


def _at(when: datetime) -> str:
    return deferred("at {time}", time=_time(when))
