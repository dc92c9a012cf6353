"""A blocker in words: why it may not run, and what to do about it.

People and groups stand as `@U…` and `@S…`, as everywhere in a reason; the views show their names.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.approvals.blockers import Blocker, BlockerKind
from bot.errors import Refused

_WHY = {
    BlockerKind.INCIDENT_CLOSED: "the incident {subject}",
    BlockerKind.EXPIRED: "this approval has expired",
    BlockerKind.APPROVED_TOO_LONG_AGO: "approved too long ago",
    BlockerKind.CLOCK_MOVED_BACK: "the clock was moved back after the approval",
    BlockerKind.SCOPE_CHANGED: "the incident's environment or service has changed",
    BlockerKind.SOP_EDITED: "the SOP {subject} was edited",
    BlockerKind.REQUIREMENT_CHANGED: "the policy was edited and its requirements have changed",
    BlockerKind.NOT_AS_SHOWN: "what would run is not what was shown",
    BlockerKind.NOT_ON_RECORD: "its approval is not on record",
    BlockerKind.VOTE_LOST: "{reason}",
    BlockerKind.PLAN_CHANGED: "the gateway's plan has changed since it was shown",
    BlockerKind.NO_APPROVER: "nobody may approve this: policy.yaml names too few other approvers",
    BlockerKind.TRAIL_DISPUTED: "the audit trail was cut back or replaced: {reason}",
    BlockerKind.FROZEN: "everything is frozen by @{user}{why}",
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
}

_REMEDY = {
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


def why(blocker: Blocker, clock: Callable[[datetime], str] | None = None) -> str:
    """The reason, in lower case and without a full stop; `clock` writes its times, else in UTC."""
    at, time = clock or _at, clock or _time
    since, until = blocker.since, blocker.until
    return _WHY[blocker.kind].format(
        subject=_closed(blocker),
        user=blocker.user,
        reason=blocker.reason,
        why=f" ({blocker.reason})" if blocker.reason else "",
        incident_id=blocker.incident_id,
        since_then=at(since) if since else "",
        until=time(until) if until else "",
        from_then=at(until) if until else "",
        opens=f", which opens {at(until)}" if until else "",
        count=blocker.count,
    )


def remedy(blocker: Blocker) -> str:
    """The remedy; '' where nothing can be done about this approval."""
    return _REMEDY.get(blocker.kind, "")


def sentence(blocker: Blocker) -> str:
    """Both, as the reason that ends an approval."""
    return f"{why(blocker)}. {remedy(blocker)}" if remedy(blocker) else why(blocker)


def refused(blocker: Blocker, what: str) -> Refused:
    """The error for the person who pressed or asked: `what` is not done, and why."""
    reason = why(blocker)
    if blocker.user:
        # Slack interprets text in < >: only our own may stay unescaped.
        reason = reason.replace("<", "&lt;").replace(">", "&gt;")
        reason = reason.replace(f"@{blocker.user}", f"<@{blocker.user}>", 1)
    return Refused(f"{what}: {reason}.", remedy=remedy(blocker))


def _closed(blocker: Blocker) -> str:
    """A resolved incident `resolved`; of another status it `is` that."""
    if blocker.kind is BlockerKind.INCIDENT_CLOSED and blocker.subject != "resolved":
        return f"is {blocker.subject}"
    return blocker.subject


def _time(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"


def _at(moment: datetime) -> str:
    return f"at {_time(moment)}"
