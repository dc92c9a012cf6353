"""Changes of state of approvals and executions: the only place that writes a state.

`transition` takes a step of `bot.approvals.transitions.TRANSITIONS`, with all that belongs to it:
the timeline entry, the messages that show it, the workers it wakes, the rows of the audit trail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from bot.approvals.model import Approval, Execution
from bot.approvals.reason_text import sentence
from bot.approvals.reasons import Reason, facts_of, from_text, to_text
from bot.approvals.transitions import (
    EXECUTION_TRANSITIONS,
    ApprovalEvent,
    Event,
    ExecutionEvent,
    sources,
    target,
)
from bot.incidents.model import Incident
from bot.incidents.remediation import RemediationStatus
from bot.language import N_, deferred
from store.operations import audit, incidents, standing_advice
from store.operations.audit_kinds import Kind
from store.rows import execution_from
from store.statements import Operation, at_end, from_db_time_or_none, notify, query, to_db_time
from store.topics import Topic

Subject = TypeVar("Subject", Approval, Execution)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The effects of an event beside the state: rows of `kinds` on the audit trail, `entry` in the
    timeline."""

    kinds: tuple[Kind, ...] = ()
    entry: str = ""
    text: str = ""
    is_shown: bool = True
    wakes: tuple[Topic, ...] = ()


_OUTCOME = Effect(
    kinds=(Kind.ANSWER,),
    entry="dispatched",
    text=N_("Remediation {state}"),
    wakes=(Topic.DISPATCH, Topic.APPROVALS),
)
_MARKED = replace(_OUTCOME, kinds=(Kind.MARKED_BY_HAND,), entry="by hand")
_VERDICT = Effect(entry="{state}", text=N_("Remediation {state}"), wakes=(Topic.APPROVALS,))
_BY_ITS_APPROVAL = Effect(is_shown=False)  # that one is told, shown and on record

EFFECTS: Mapping[Event, Effect] = {
    ApprovalEvent.PROPOSE: Effect(
        kinds=(Kind.PROPOSED,), entry="proposed", text=N_("Proposed: {title}")
    ),
    ApprovalEvent.APPROVE_BY_POLICY: Effect(kinds=(Kind.APPROVED,), is_shown=False),
    ApprovalEvent.VOTE: Effect(kinds=(Kind.VOTED,), entry="approve", text=N_("Approved: {title}")),
    ApprovalEvent.APPROVE: Effect(
        kinds=(Kind.VOTED, Kind.APPROVED), entry="approve", text=N_("Approved: {title}")
    ),
    ApprovalEvent.REJECT: Effect(
        kinds=(Kind.VOTED, Kind.REJECTED), entry="reject", text=N_("Rejected: {title}")
    ),
    # No vote of the requester, and an approval that counted stays on record as it was given.
    ApprovalEvent.CANCEL: Effect(
        kinds=(Kind.REJECTED,), entry="reject", text=N_("Rejected: {title}")
    ),
    ApprovalEvent.EXPIRE: Effect(
        kinds=(Kind.EXPIRED,), entry="expired", text=N_("The approval expired")
    ),
    ApprovalEvent.REVOKE: Effect(
        kinds=(Kind.REVOKED,), entry="revoked", text=N_("Revoked: {reason}")
    ),
    ApprovalEvent.REINSTATE: Effect(is_shown=False),  # its execution's outcome is in the timeline
    ExecutionEvent.ENQUEUE: _BY_ITS_APPROVAL,
    ExecutionEvent.CLAIM: Effect(kinds=(Kind.DISPATCHING,), wakes=(Topic.APPROVALS,)),
    ExecutionEvent.TAKE_OVER: Effect(kinds=(Kind.TAKEN_OVER,), is_shown=False),
    ExecutionEvent.REQUEST: Effect(kinds=(Kind.REQUEST,), is_shown=False),
    ExecutionEvent.REVOKE: _BY_ITS_APPROVAL,
    ExecutionEvent.SUCCEED: _OUTCOME,
    ExecutionEvent.FAIL: _OUTCOME,
    ExecutionEvent.LOSE: replace(_OUTCOME, kinds=(Kind.OUTCOME_UNKNOWN,)),
    ExecutionEvent.MARK_DONE: replace(_MARKED, text=N_("Marked as done by hand")),
    ExecutionEvent.MARK_NOT_RUN: replace(_MARKED, text=N_("Said not to have run")),
    ExecutionEvent.TRY_AGAIN: Effect(
        kinds=(Kind.TRIED_AGAIN,),
        entry="tried again",
        text=N_("Remediation tried again"),
        wakes=(Topic.DISPATCH,),
    ),
    ExecutionEvent.VERIFY: replace(_VERDICT, kinds=(Kind.VERIFIED,)),
    ExecutionEvent.NOT_HELP: replace(_VERDICT, kinds=(Kind.NOT_VERIFIED,)),
    ExecutionEvent.STAY_UNVERIFIED: replace(
        _VERDICT,
        kinds=(Kind.VERIFICATION_UNKNOWN,),
        text=N_("Whether the remediation helped is unknown"),
    ),
    ExecutionEvent.UNDO: replace(_VERDICT, kinds=(Kind.UNDONE,), wakes=()),
}

_TABLE: Mapping[type, str] = {Approval: "approvals", Execution: "executions"}
_CHANGES_NO_BUTTON = (ApprovalEvent.VOTE, ApprovalEvent.APPROVE, ExecutionEvent.CLAIM)
"""Before and after these an approval waits or runs, so advice has no Propose button for it."""
_DECIDES = (ApprovalEvent.APPROVE, ApprovalEvent.REJECT, ApprovalEvent.CANCEL)


def _states_on_record() -> dict[Kind, frozenset[RemediationStatus]]:
    """Return the states that an execution can have after each kind of row of the audit trail."""
    states: dict[Kind, set[RemediationStatus]] = {
        Kind.APPROVED: {target(ExecutionEvent.ENQUEUE)},
        Kind.REVOKED: {target(ExecutionEvent.REVOKE)},
        Kind.LOOKED_UP: {target(ExecutionEvent.SUCCEED), target(ExecutionEvent.FAIL)},
    }
    for (_, event), state in EXECUTION_TRANSITIONS.items():
        for kind in EFFECTS[event].kinds:
            states.setdefault(kind, set()).add(state)
    return {kind: frozenset(after) for kind, after in states.items()}


STATES_ON_RECORD = _states_on_record()
"""A kind with several states names the state in its detail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One event, and what comes with it.

    `values` are the columns written beside the state. `only_if` is SQL that must hold of the row,
    followed by its parameters. `detail` is recorded, as `kind` if that is given.
    """

    event: Event
    now: datetime
    actor: str = ""
    reason: Reason | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    only_if: tuple[Any, ...] = ("1 = 1",)
    detail: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind | None = None


def transition(
    subject: Subject, change: Change, incident: Incident | None = None
) -> Operation[Subject | None]:
    """Take the step and return the changed object; return None and change nothing if it cannot be
    taken.

    `incident` is that of the subject, if the caller has read it in this transaction.
    """
    changed: Subject | None = yield from _update(subject, change)
    if changed is not None:
        yield from announce(changed, change, incident)
    return changed


def _update(subject: Subject, change: Change) -> Operation[Subject | None]:
    """Write the new state by one UPDATE whose WHERE has the states in which the event can
    happen."""
    state, before = target(change.event), sources(change.event)
    values: dict[str, Any] = {"state": state, **change.values}
    columns = "state = ?" + "".join(f", {name} = ?" for name in change.values)
    if isinstance(subject, Approval):
        if change.event in _DECIDES:
            values["decided_by"] = change.actor
            columns += ", decided_by = ?"
        if change.reason:
            values["reason"] = to_text(change.reason)
            columns += ", reason = ?"
        if state is not RemediationStatus.AWAITING_APPROVAL:
            values["decided_at"] = to_db_time(change.now)
            columns += ", decided_at = COALESCE(decided_at, ?)"
    guard, *parameters = change.only_if
    rows = yield query(
        f"UPDATE {_TABLE[type(subject)]} SET {columns}"  # noqa: S608 - constants
        f" WHERE id = ? AND state IN ({', '.join('?' * len(before))}) AND {guard} RETURNING *",
        *values.values(),
        subject.id,
        *before,
        *parameters,
    )
    if not rows:
        return None
    if isinstance(subject, Execution):
        return execution_from(rows[0])
    return replace(
        subject,
        state=RemediationStatus(rows[0]["state"]),
        decided_by=rows[0]["decided_by"],
        decided_at=from_db_time_or_none(rows[0]["decided_at"]),
        reason=from_text(rows[0]["reason"]),
    )


def announce(
    subject: Approval | Execution, change: Change, incident: Incident | None = None
) -> Operation[None]:
    """Append the event to the timeline, enqueue the messages, wake the steps, and record it.

    The rows of the trail come last in the transaction: see `audit`.
    """
    effect = EFFECTS[change.event]
    if effect.entry:
        title = subject.proposal.title if isinstance(subject, Approval) else ""
        texts = {"state": subject.state, "title": title, "reason": sentence(change.reason)}
        yield from incidents.append_event(
            subject.incident_id,
            change.now,
            effect.entry.format(**texts),
            deferred(effect.text, **texts),
            change.actor,
        )
    if effect.is_shown:
        incident = incident or (yield from incidents.get(subject.incident_id))
        if isinstance(subject, Approval):
            yield from incidents.show_approval(incident, subject.id, change.now)
        else:
            yield from show(
                subject, incident, change.now, result=change.event is ExecutionEvent.TRY_AGAIN
            )
        if change.event not in _CHANGES_NO_BUTTON:
            yield from standing_advice.redraw(incident, change.now)
    for topic in effect.wakes:
        yield notify(topic)
    kinds = (change.kind,) if change.kind else effect.kinds
    for number, kind in enumerate(kinds, 1):
        detail: dict[str, Any] = dict(change.detail) if number == 1 else {}
        if isinstance(subject, Execution):
            detail = {"execution": subject.id, **detail}
        elif number == len(kinds):
            detail |= {"digest": subject.digest}
            detail |= {"why": facts_of(change.reason)} if change.reason else {}
        yield at_end(
            partial(
                audit.record,
                kind,
                now=change.now,
                incident_id=subject.incident_id,
                subject=subject.id if isinstance(subject, Approval) else subject.approval_id,
                actor=change.actor,
                detail=detail,
            )
        )


def show(
    execution: Execution, incident: Incident, now: datetime, *, result: bool = False
) -> Operation[None]:
    """Enqueue its approval's card, the incident's, which names what runs, and any result."""
    yield from incidents.reply(incident, "approval", execution.approval_id, now, by_request=True)
    yield from incidents.show_card(incident.id, incident.channel, incident.severity, now)
    if execution.finished_at or result:
        yield from incidents.reply(incident, "result", execution.id, now, by_request=True)
