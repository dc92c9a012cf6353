"""The life of a remediation: which event leads from which state to which.

An approval is what people decide about; its execution is the one dispatch that an approval leads
to. The store changes a state only by an event of this table (`store.operations.transitions`). The
audit trail, its proof and the store's invariants are derived from the table, or a test compares
them with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from bot.incidents.remediation import RemediationStatus as Status


class ApprovalEvent(Enum):
    """The events of an approval."""

    PROPOSE = "proposed to people"
    APPROVE_BY_POLICY = "the policy approves"
    VOTE = "approval, more needed"
    APPROVE = "last approval needed"
    REJECT = "rejection"
    CANCEL = "requester or approver cancels"
    EXPIRE = "nobody decides in time"
    REVOKE = "blocker or edit"
    REINSTATE = "the gateway had it already"


class ExecutionEvent(Enum):
    """The events of an execution."""

    ENQUEUE = "approved"
    CLAIM = "a replica claims it"
    TAKE_OVER = "another replica takes over"
    REQUEST = "request recorded and sent"
    REVOKE = "blocker, before it is sent"
    SUCCEED = "the gateway ran it"
    FAIL = "the gateway could not, or nothing ran"
    LOSE = "no answer"
    MARK_DONE = "a person did it"
    MARK_NOT_RUN = "a person says it did not run"
    TRY_AGAIN = "tried again"
    VERIFY = "the alert or probe is good"
    NOT_HELP = "it did not help"
    STAY_UNVERIFIED = "nobody can tell"
    UNDO = "its undo ran"


Event = ApprovalEvent | ExecutionEvent
Transitions = Mapping[tuple[Status | None, Event], Status]

APPROVAL_TRANSITIONS: Transitions = {
    (None, ApprovalEvent.PROPOSE): Status.AWAITING_APPROVAL,
    (Status.AWAITING_APPROVAL, ApprovalEvent.APPROVE_BY_POLICY): Status.APPROVED,
    (Status.AWAITING_APPROVAL, ApprovalEvent.VOTE): Status.AWAITING_APPROVAL,
    (Status.AWAITING_APPROVAL, ApprovalEvent.APPROVE): Status.APPROVED,
    (Status.AWAITING_APPROVAL, ApprovalEvent.REJECT): Status.REJECTED,
    (Status.AWAITING_APPROVAL, ApprovalEvent.CANCEL): Status.REJECTED,
    (Status.AWAITING_APPROVAL, ApprovalEvent.EXPIRE): Status.EXPIRED,
    (Status.AWAITING_APPROVAL, ApprovalEvent.REVOKE): Status.REVOKED,
    (Status.APPROVED, ApprovalEvent.REVOKE): Status.REVOKED,
    (Status.REVOKED, ApprovalEvent.REINSTATE): Status.APPROVED,
}

# The gateway may still answer a request whose replica died: also one that was revoked, or marked as
# not run, meanwhile.
_ANSWERED = (Status.DISPATCHING, Status.OUTCOME_UNKNOWN, Status.REVOKED, Status.FAILED)

EXECUTION_TRANSITIONS: Transitions = {
    (None, ExecutionEvent.ENQUEUE): Status.APPROVED,
    (Status.APPROVED, ExecutionEvent.CLAIM): Status.DISPATCHING,
    (Status.DISPATCHING, ExecutionEvent.TAKE_OVER): Status.DISPATCHING,
    (Status.DISPATCHING, ExecutionEvent.REQUEST): Status.DISPATCHING,
    (Status.APPROVED, ExecutionEvent.REVOKE): Status.REVOKED,
    (Status.DISPATCHING, ExecutionEvent.REVOKE): Status.REVOKED,
    **{(state, ExecutionEvent.SUCCEED): Status.SUCCEEDED for state in _ANSWERED},
    **{(state, ExecutionEvent.FAIL): Status.FAILED for state in _ANSWERED},
    **{(state, ExecutionEvent.LOSE): Status.OUTCOME_UNKNOWN for state in _ANSWERED},
    (Status.OUTCOME_UNKNOWN, ExecutionEvent.MARK_DONE): Status.SUCCEEDED,
    (Status.OUTCOME_UNKNOWN, ExecutionEvent.MARK_NOT_RUN): Status.FAILED,
    (Status.FAILED, ExecutionEvent.TRY_AGAIN): Status.APPROVED,
    (Status.SUCCEEDED, ExecutionEvent.VERIFY): Status.VERIFIED,
    (Status.SUCCEEDED, ExecutionEvent.NOT_HELP): Status.NOT_VERIFIED,
    (Status.SUCCEEDED, ExecutionEvent.STAY_UNVERIFIED): Status.SUCCEEDED,
    (Status.NOT_VERIFIED, ExecutionEvent.UNDO): Status.UNDONE,
}

TRANSITIONS: Transitions = {**APPROVAL_TRANSITIONS, **EXECUTION_TRANSITIONS}
"""(state, event) → state; the state None is before the approval or the execution exists."""


def sources(event: Event) -> tuple[Status, ...]:
    """Return the states in which this event can happen; () for an event that creates the object."""
    return tuple(state for state, what in TRANSITIONS if what is event and state is not None)


def target(event: Event) -> Status:
    """Return the state to which this event leads, from any state."""
    return next(state for (_, what), state in TRANSITIONS.items() if what is event)
