"""An approval, its votes, and the execution that it leads to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.approvals.reasons import Reason, VoteProblem
from bot.incidents.model import Incident
from bot.incidents.remediation import Preview, Proposal, RemediationStatus


class Choice(StrEnum):
    """The choice of a vote."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's vote on an approval, with the reason if the policy requires one."""

    user: str
    choice: Choice
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The context of a proposal, at the time of the proposal; `sop` and `policy` are digests.

    The digest of the approval covers all of it. A later change of `severity` or `policy` does not
    end the approval (`bot.approvals.blockers`).
    """

    severity: str = ""
    env: str = ""
    service: str = ""
    sop: str = ""
    policy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalConditions:
    """The conditions under which an approval counts, by the policy at the time of the proposal.

    `editors` changed a value and do not count. `seen`: the incident's own alerts name the target.
    `fits`: the SOP's own keys chose the action, for the alert and for the target's environment.
    `targets`: the number of things that it would touch, None if the gateway did not say.
    `environments`: those that chose the rule, the target's first, then the alert's if it differs.
    """

    reason_required: bool = False
    only_in_windows: bool = False
    targets: int | None = 1
    seen: bool = True
    fits: bool = False
    environments: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()
    bound: Binding = Binding()


@dataclass(frozen=True, slots=True)
class UserStatus:
    """A person's status in Slack at this moment. Without it the person's vote is not counted.

    `problem` is None for a person of this workspace, else the reason why their votes never count.
    `groups` are the approvers' groups that they are in, `unread` those that Slack did not return.
    """

    problem: VoteProblem | None = VoteProblem.USER_UNREAD
    groups: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()

    def is_one_of(self, user: str, approvers: tuple[str, ...]) -> bool:
        """Return whether the user is named, alone or by a group."""
        return user in approvers or not self.groups.isdisjoint(approvers)


UNKNOWN = UserStatus()
"""For a user whom nobody looked up, or about whom Slack did not answer."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """All actions are blocked: since when, by whom and why; `by` is '' if unknown.

    `disputed`: the store and the audit trail disagree about it, so it holds until it is unfrozen.
    """

    by: str
    at: datetime
    reason: str = ""
    disputed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A proposal that waits for votes or is decided.

    `id` is 128 random bits in hex: it is all a button carries. `requested_by` is a Slack user id,
    or '' when the SOP asked. `approvers` are users and user groups. `digest` ties the action to
    everything that was shown and to its context. `undoes` is the execution that it undoes.
    """

    id: str
    incident_id: int
    proposal: Proposal
    preview: Preview
    state: RemediationStatus
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    needed: int
    approvers: tuple[str, ...]
    digest: str
    decided_by: str
    decided_at: datetime | None
    reason: Reason | None
    votes: tuple[Vote, ...]
    terms: ApprovalConditions = ApprovalConditions()
    undoes: str = ""

    @property
    def interested(self) -> frozenset[str]:
        """Return the requester and the editors: their approvals do not count."""
        return frozenset({self.requested_by, *self.terms.editors}) - {""}

    @property
    def approved_by(self) -> tuple[str, ...]:
        """Return the approvers in the order of their votes."""
        return tuple(vote.user for vote in self.votes if vote.choice is Choice.APPROVE)

    @property
    def valid_until(self) -> datetime | None:
        """Return the end of an approval's validity: it is valid for as long as the request would
        have waited."""
        if self.decided_at is None:
            return None
        return self.decided_at + (self.expires_at - self.requested_at)

    @property
    def decided(self) -> bool:
        """Return whether the vote is over."""
        return self.state is not RemediationStatus.AWAITING_APPROVAL


@dataclass(frozen=True, slots=True)
class VerifyingAlert:
    """An alert that fired when a request was sent, and whether its own sender cleared it since."""

    sender: str
    cleared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One dispatch of one approval. `key` is the idempotency key the gateway sees.

    `retry_until`: it provably did not run, and people may retry it until then; `attempt` counts.
    `by_hand` is the person who marked it as done by hand. `concluded_at`: the end of its
    verification.
    `taken_over_at`: when another process took it over and began to look it up; `running_at`: when
    the gateway first said that it still runs. Neither changes `started_at`.
    `progress` is the gateway's latest word while it runs, one line; None before it said that it
    runs. `cancellable`: it could be cancelled then.
    """

    id: str
    approval_id: str
    incident_id: int
    state: RemediationStatus
    owner: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    answer: Any
    error: str
    verify_until: datetime | None
    verify_note: str
    by_hand: str = ""
    attempt: int = 1
    retry_until: datetime | None = None
    concluded_at: datetime | None = None
    taken_over_at: datetime | None = None
    running_at: datetime | None = None
    progress: str | None = None
    cancellable: bool = False

    @property
    def key(self) -> str:
        """Return the idempotency key, another one for each attempt: the gateway repeats the answer
        of a known key."""
        return self.id if self.attempt == 1 else f"{self.id}.{self.attempt}"

    @property
    def seconds(self) -> float | None:
        """Return how long the gateway took, in seconds, once it answered."""
        if self.started_at is None or self.finished_at is None:
            return None
        # The times may come from two clocks, if the outcome was looked up.
        return max(0.0, (self.finished_at - self.started_at).total_seconds())


@dataclass(frozen=True, slots=True)
class ClaimedDispatch:
    """An execution that this process has claimed, with what its claim read."""

    execution: Execution
    approval: Approval
    incident: Incident

    @property
    def id(self) -> str:
        """Return the id of the execution."""
        return self.execution.id
