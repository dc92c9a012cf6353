"""An approval, its votes, and the execution that a yes leads to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.incidents.remediation import Preview, Proposal, RemediationStatus


class Choice(StrEnum):
    """What a vote says."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's word on an approval."""

    user: str
    choice: Choice
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A proposal that waits for a yes, or has had its answer.

    `id` is 128 random bits in hex: it is all a button carries. `requested_by` is a Slack user id,
    or '' when the SOP asked. `digest` binds what was shown to what may run.
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
    reason: str
    votes: tuple[Vote, ...]

    @property
    def decided(self) -> bool:
        """Whether nobody can vote any more."""
        return self.state is not RemediationStatus.AWAITING_APPROVAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One dispatch of one approval. `id` is the idempotency key the gateway sees."""

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
    good_probes: int

    @property
    def seconds(self) -> float | None:
        """How long the gateway took, in seconds, once it answered."""
        if self.started_at is None or self.finished_at is None:
            return None
        # Two clocks may have a part in it, when the gateway was asked afterwards.
        return max(0.0, (self.finished_at - self.started_at).total_seconds())
