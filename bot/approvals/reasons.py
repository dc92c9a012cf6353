"""The reason why an approval ended or may not run: a code and its facts.

`reason_text` has the sentences.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any


class BlockerKind(StrEnum):
    """The reasons why an action may not run, in the order in which `blockers.evaluate` checks
    them."""

    INCIDENT_CLOSED = "incident closed"
    EXPIRED = "expired"
    APPROVED_TOO_LONG_AGO = "approved too long ago"
    CLOCK_MOVED_BACK = "clock moved back"
    SCOPE_CHANGED = "scope changed"
    SOP_EDITED = "SOP edited"
    REQUIREMENT_CHANGED = "requirement changed"
    NOT_AS_SHOWN = "not as shown"
    NOT_ON_RECORD = "not on record"
    VOTE_LOST = "vote lost"
    PLAN_CHANGED = "plan changed"
    NO_APPROVER = "no approver"
    TRAIL_DISPUTED = "trail disputed"
    FROZEN = "frozen"
    FREEZE_DISPUTED = "freeze disputed"
    SCOPE_FROZEN = "scope frozen"
    REQUEST_MISSING = "request missing"
    WINDOW_CLOSED = "window closed"
    DID_NOT_HELP = "did not help"
    TARGET_BUSY = "target busy"
    TARGET_UNKNOWN = "target unknown"
    COOLDOWN = "cooldown"
    BREAKER_OPEN = "breaker open"
    BUDGET_SPENT = "budget spent"
    SOP_BUDGET_SPENT = "SOP budget spent"
    TARGET_BUDGET_SPENT = "target budget spent"


class EndKind(StrEnum):
    """The reasons why an approval ended, or was given, without a blocker."""

    NOBODY_DECIDED = "nobody decided"
    EDITED = "edited"
    CANCELLED = "cancelled"  # by the requester
    APPROVAL_CANCELLED = "approval cancelled"  # by an approver
    ANOTHER_APPROVED = "another approved"
    BY_POLICY = "by policy"
    PART_OF_CASCADE = "part of a cascade"
    WRITTEN = "written"  # a sentence that an older version stored


class VoteProblem(StrEnum):
    """The reasons why a person's vote does not count. The first ones hold for every approval."""

    USER_UNREAD = "user unread"
    DEACTIVATED = "deactivated"
    BOT = "bot"
    STRANGER = "stranger"
    GUEST = "guest"
    GUEST_UNREAD = "guest unread"  # Slack answered without that field
    GROUP_UNREAD = "group unread"
    NOT_APPROVER = "not approver"
    REQUESTER = "requester"
    EDITOR = "editor"

    @property
    def is_unread(self) -> bool:
        """Return whether the problem is only that Slack did not say who the user is."""
        return self in (VoteProblem.USER_UNREAD, VoteProblem.GUEST_UNREAD)


@dataclass(frozen=True, slots=True)
class LostVote:
    """An approval that does not count, or counts no more; `groups` are those not read from Slack.

    `user` is '' where too few approvals were given and none was lost.
    """

    problem: VoteProblem | None = None
    groups: tuple[str, ...] = ()
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A code with its facts. `until` is when that ends without a person, None if unknown.

    Which of the facts are set depends on `kind`: `subject` is the target, the SOP ID, the status or
    the title; `user` and `reason` are those of a freeze; `incident_id` is the incident whose action
    is in the way; `since` is when it began; `count` counts earlier dispatches. `was_sent`: the
    request was sent before the approval was revoked.
    """

    kind: BlockerKind | EndKind
    until: datetime | None = None
    subject: str = ""
    user: str = ""
    reason: str = ""
    incident_id: int | None = None
    since: datetime | None = None
    count: int = 0
    lost_vote: LostVote | None = None
    was_sent: bool = False


INCIDENT_RESOLVED = Reason(kind=BlockerKind.INCIDENT_CLOSED, subject="resolved")
NOBODY_DECIDED = Reason(kind=EndKind.NOBODY_DECIDED)
SENT_BEFORE = "sent before it was revoked: "


def facts_of(reason: Reason) -> dict[str, Any] | str:
    """Return the reason as JSON: `code`, and the facts that are set.

    Of an older version its sentence.
    """
    if reason.kind is EndKind.WRITTEN:
        return reason.reason
    facts = {name: value for name, value in asdict(reason).items() if value}
    facts["code"] = facts.pop("kind")
    for name in ("since", "until"):
        if name in facts:
            facts[name] = facts[name].isoformat()
    return facts


def reason_from(facts: Mapping[str, Any]) -> Reason:
    """Reverse `facts_of`. ValueError for a code that this version does not know."""
    values = {name: value for name, value in facts.items() if name != "code"}
    if not all(isinstance(values.get(name, ""), str) for name in ("subject", "user", "reason")):
        raise ValueError("a fact of another type")
    code = facts["code"]
    kind = BlockerKind(code) if code in set(BlockerKind) else EndKind(code)
    for name in ("since", "until"):
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    if vote := values.get("lost_vote"):
        problem = VoteProblem(vote["problem"]) if vote["problem"] else None
        values["lost_vote"] = LostVote(problem, tuple(vote["groups"]), vote["user"])
    return Reason(kind=kind, **values)


def to_text(reason: Reason | None) -> str:
    """Return the reason as the store keeps it."""
    facts = "" if reason is None else facts_of(reason)
    if isinstance(facts, str):
        return facts
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def from_text(text: str) -> Reason | None:
    """Reverse `to_text`, for the text of any version."""
    if not text:
        return None
    try:
        return reason_from(json.loads(text))
    except (ValueError, TypeError, LookupError, AttributeError):
        return Reason(kind=EndKind.WRITTEN, reason=text)


def sent_before(reason: Reason | None) -> Reason:
    """Return the reason of a revocation that came after the request was sent."""
    if reason is None or reason.kind is EndKind.WRITTEN:
        text = SENT_BEFORE + (reason.reason if reason else "")
        return Reason(kind=EndKind.WRITTEN, reason=text)
    return replace(reason, was_sent=True)
