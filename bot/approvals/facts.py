"""The facts by which `bot.approvals.blockers` decides; the caller reads them at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.approvals.model import Freeze
from bot.approvals.reasons import LostVote
from bot.approvals.rules import ApprovalRequirements
from bot.incidents.remediation import RemediationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A request that reached the gateway, as far as is known."""

    approval_id: str
    incident_id: int
    sop_id: str
    action_id: str
    target: str
    state: RemediationStatus
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """The store's facts at one moment: the freeze, and the requests sent, oldest first.

    `runs` has every request since `since_of(limits, now)`, every request that may still run, and
    all that did not help in an open incident. `missing` are the approvals whose request is on
    record and whose execution is not in the store: no limit counts them. `dispute` says how the
    audit trail contradicts the rows that this process has seen, '' if it does not. `scopes` are the
    freezes of incidents and targets.
    """

    freeze: Freeze | None = None
    runs: Sequence[PastRun] = ()
    missing: Sequence[str] = ()
    dispute: str = ""
    scopes: Mapping[str, Freeze] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """The present operator's files about one approval: the digest of its SOP, and the policy's
    requirement, None if the policy allows the action to nobody.
    """

    sop: str
    requirement: ApprovalRequirements | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCheck:
    """The answers of Slack, audit trail and gateway about an approval just before it is sent.

    `lost_vote` says why too few of its votes still count, None if enough do. `plan` is the digest
    of the gateway's present plan.
    """

    is_on_record: bool
    lost_vote: LostVote | None
    plan: str
