"""Dispatches: claimed before the request is sent, finished by the answer, then verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.approvals.binding import Written, why_void
from bot.approvals.limits import Limits
from bot.approvals.model import Approval, Execution
from bot.approvals.policy import SKEW
from bot.approvals.rules import in_window
from bot.approvals.segment import Window
from bot.errors import NotFound
from bot.incidents.model import IncidentStatus
from bot.incidents.remediation import RemediationStatus
from store.operations import approvals, audit, guards, incidents, leases
from store.operations.audit import Kind
from store.proof import sha256_of
from store.rows import dump, execution_from
from store.statements import Operation, execute, lock, query, run, stamp, stamp_or_none


def get(execution_id: str) -> Operation[Execution]:
    """One execution, or NotFound."""
    rows = yield query("SELECT * FROM executions WHERE id = ?", execution_id)
    if not rows:
        raise NotFound("This execution is not known here.")
    return execution_from(rows[0])


def of_approval(approval_id: str) -> Operation[Execution | None]:
    """The one execution of an approval, if it was approved."""
    rows = yield query("SELECT * FROM executions WHERE approval_id = ?", approval_id)
    return execution_from(rows[0]) if rows else None


def of_incident(incident_id: int) -> Operation[list[Execution]]:
    """Every execution of an incident, oldest first."""
    rows = yield query(
        "SELECT * FROM executions WHERE incident_id = ? ORDER BY created_at", incident_id
    )
    return [execution_from(row) for row in rows]


def claim(owner: str, now: datetime, limits: Limits) -> Operation[Execution | None]:
    """Take on the oldest approved execution: `dispatching` is durable before anything is sent.

    What nobody wants any more (see `still_wanted`), and what the limits do not let run, is revoked
    on the way. So is, once it is claimed, what else its incident would have done to its target.
    """
    yield lock("dispatch")  # of two that are claimed at once, one must see the other
    waiting = yield query(f"{_WANTED} WHERE e.state = 'approved' ORDER BY e.created_at, e.id")
    for row in waiting:
        approval = yield from approvals.get(row["approval_id"])
        why = _unwanted(approval, row["status"], now) or (
            yield from _hindered(guards.hindrance(approval, row["sop_id"], limits, now))
        )
        if why:
            yield from approvals.revoke(approval.id, why, now)
            continue
        rows = yield query(
            "UPDATE executions SET state = ?, owner = ?, started_at = ?"
            " WHERE id = ? AND state = 'approved' RETURNING *",
            RemediationStatus.DISPATCHING,
            owner,
            stamp(now),
            row["id"],
        )
        if rows:
            execution = execution_from(rows[0])
            title = approval.proposal.title
            yield from approvals.withdraw_all(
                execution.incident_id,
                f"{title} ran meanwhile. See whether it helped before anything else is done",
                now,
                target=approval.proposal.target,
            )
            yield from _show(execution, now)
            yield from _record(Kind.DISPATCHING, execution, now, owner=owner)
            return execution
    return None


def still_wanted(execution_id: str, owner: str, now: datetime) -> Operation[bool]:
    """Whether `owner` may send it; else it is revoked.

    The incident stands open, the yes is fresh, nothing is frozen. False, and nothing more, when it
    is another's by now, or finished.
    """
    rows = yield query(
        f"{_WANTED} WHERE e.id = ? AND e.owner = ? AND e.state = 'dispatching'", execution_id, owner
    )
    if not rows:
        return False
    approval = yield from approvals.get(rows[0]["approval_id"])
    why = _unwanted(approval, rows[0]["status"], now) or (yield from _hindered(guards.frozen()))
    if why:
        yield from approvals.revoke(approval.id, why, now, owner)
    return not why


_WANTED = (
    "SELECT e.id, e.approval_id, i.status, i.sop_id FROM executions e"
    " JOIN incidents i ON i.id = e.incident_id"
)


def _unwanted(approval: Approval, status: str, now: datetime) -> str:
    """Why nobody wants it any more, by its incident's status and the clock; or ''."""
    if status not in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED):
        return "the incident resolved"
    if approval.holds_until is None or now >= approval.holds_until:
        return "approved too long ago"
    if approval.decided_at and approval.decided_at > now + SKEW:
        return "the clock was moved back after the yes"
    return ""


def _hindered(check: Operation[guards.Hindrance | None]) -> Operation[str]:
    found: guards.Hindrance | None = yield from check
    return str(found) if found else ""


def request(
    execution_id: str,
    owner: str,
    now: datetime,
    written: Written,
    windows: Sequence[Window],
    detail: Mapping[str, Any],
) -> Operation[bool]:
    """The last word before it is sent: True, and the request is on record; or it is revoked.

    Who asked Slack and the gateway about it did so for seconds, with the world of before in hand.
    Here the incident and the freeze are held while they are looked at: what changes them is either
    seen, or comes after the request. False, and nothing more, when it is another's by now, or
    finished.
    """
    execution = yield from get(execution_id)
    yield from incidents.hold(execution.incident_id)
    yield lock(guards.FREEZING)
    execution = yield from get(execution_id)
    if execution.owner != owner or execution.state is not RemediationStatus.DISPATCHING:
        return False
    approval = yield from approvals.get(execution.approval_id)
    incident = yield from incidents.get(execution.incident_id)
    why = _unwanted(approval, incident.status, now) or why_void(approval, incident, written)
    if not why and approval.terms.only_in_windows and not in_window(windows, now):
        why = "its maintenance window is over"
    why = why or (yield from _hindered(guards.frozen()))
    if why:
        yield from approvals.revoke(approval.id, why, now, owner)
        return False
    # It begins now, and not when it was claimed: what happened before this it did not bring about.
    count = yield execute(
        "UPDATE executions SET started_at = ? WHERE id = ? AND owner = ? AND state = ?",
        stamp(now),
        execution_id,
        owner,
        RemediationStatus.DISPATCHING,
    )
    if not count:
        return False
    yield from audit.record(
        Kind.REQUEST, now=now, incident_id=incident.id, subject=approval.id, detail=detail
    )
    return True


def orphans(owner: str, ours_before: datetime, now: datetime) -> Operation[list[Execution]]:
    """Dispatches whose sender's lease lapsed: what became of them must be looked up.

    Ours among them, once they began before `ours_before`.
    """
    rows = yield query(
        "SELECT * FROM executions WHERE state = 'dispatching'"  # noqa: S608 - constants
        " AND ((owner = ? AND started_at < ?)"
        f" OR (owner != ? AND NOT {leases.alive('executions.owner')}))",
        owner,
        stamp(ours_before),
        owner,
        stamp(now),
    )
    return [execution_from(row) for row in rows]


def adopt(execution_id: str, former: str, owner: str, now: datetime) -> Operation[bool]:
    """Take over an orphan; False when somebody else did. It begins anew: see `unknown`."""
    count = yield execute(
        "UPDATE executions SET owner = ?, started_at = ? WHERE id = ? AND owner = ? AND state = ?",
        owner,
        stamp(now),
        execution_id,
        former,
        RemediationStatus.DISPATCHING,
    )
    if count:
        execution = yield from get(execution_id)
        yield from _record(Kind.TAKEN_OVER, execution, now, owner=owner, former=former)
    return bool(count)


def finish(
    execution_id: str,
    state: RemediationStatus,
    *,
    owner: str,
    answer: dict[str, Any] | None,
    error: str,
    now: datetime,
    finished_at: datetime,
    verify_until: datetime | None = None,
    looked_up: bool = False,
) -> Operation[Execution]:
    """Write what the gateway answered (or that it did not), and show it in the thread.

    What is finished already stays as it is, and nothing is told twice. But what the gateway itself
    answered is true, whoever asked: also of what was revoked meanwhile, or said not to have run.
    """
    count = yield execute(
        "UPDATE executions SET state = ?, answer = ?, error = ?, finished_at = ?, verify_until = ?,"
        " by_hand = ''"
        " WHERE id = ? AND ((state IN ('dispatching', 'outcome unknown') AND owner = ?) OR (? = 1"
        " AND (state IN ('dispatching', 'outcome unknown')"
        " OR (state = 'revoked' AND started_at IS NOT NULL)"
        " OR (state = 'failed' AND by_hand != ''))))",
        state,
        dump(answer) if answer is not None else None,
        error,
        stamp(finished_at),
        stamp_or_none(verify_until),
        execution_id,
        owner,
        int(answer is not None),
    )
    execution = yield from get(execution_id)
    if count:
        yield run(
            "UPDATE approvals SET state = ?, reason = 'sent before it was revoked: ' || reason"
            " WHERE id = ? AND state = ?",
            RemediationStatus.APPROVED,
            execution.approval_id,
            RemediationStatus.REVOKED,
        )
        yield from incidents.tell(execution.incident_id, now, "dispatched", f"Remediation {state}")
        yield from _show(execution, now)
        if state is RemediationStatus.SUCCEEDED:
            yield from _take_back(execution, now)
        kind = Kind.LOOKED_UP if looked_up else Kind.ANSWER
        if state is RemediationStatus.OUTCOME_UNKNOWN:
            kind = Kind.OUTCOME_UNKNOWN
        yield from _record(
            kind, execution, now, state=state, error=error, answer_sha256=sha256_of(answer)
        )
    return execution


def _take_back(execution: Execution, now: datetime) -> Operation[None]:
    """What it was to undo is undone."""
    rows = yield query(
        "UPDATE executions SET state = ? WHERE state = ?"
        " AND id = (SELECT undoes FROM approvals WHERE id = ?) RETURNING *",
        RemediationStatus.UNDONE,
        RemediationStatus.NOT_VERIFIED,
        execution.approval_id,
    )
    for row in rows:
        undone = execution_from(row)
        yield from incidents.tell(undone.incident_id, now, "undone", "Remediation undone")
        yield from _show(undone, now)
        yield from _record(Kind.UNDONE, undone, now, by=execution.id)


def mark_by_hand(
    execution_id: str, user: str, now: datetime, verify_until: datetime
) -> Operation[bool]:
    """A person says that they did it. False unless its outcome is unknown."""
    state, text = RemediationStatus.SUCCEEDED, "Marked as done by hand"
    told: bool = yield from _told_by_hand(execution_id, state, text, user, now, verify_until)
    return told


def mark_not_run(execution_id: str, user: str, now: datetime) -> Operation[bool]:
    """A person says that it never ran: its target is free. False unless its outcome is unknown."""
    state, text = RemediationStatus.FAILED, "Said not to have run"
    told: bool = yield from _told_by_hand(execution_id, state, text, user, now, None)
    return told


def _told_by_hand(
    execution_id: str,
    state: RemediationStatus,
    text: str,
    user: str,
    now: datetime,
    verify_until: datetime | None,
) -> Operation[bool]:
    rows = yield query(
        "UPDATE executions SET state = ?, by_hand = ?, error = '', finished_at = ?,"
        " verify_until = ? WHERE id = ? AND state = ? RETURNING *",
        state,
        user,
        stamp(now),
        stamp_or_none(verify_until),
        execution_id,
        RemediationStatus.OUTCOME_UNKNOWN,
    )
    for row in rows:
        execution = execution_from(row)
        yield from incidents.tell(execution.incident_id, now, "by hand", text, user)
        yield from _show(execution, now)
        yield from _record(Kind.MARKED_BY_HAND, execution, now, actor=user, state=execution.state)
    return bool(rows)


def verifying() -> Operation[list[Execution]]:
    """Executions that ran and are not verified yet."""
    rows = yield query(
        "SELECT * FROM executions WHERE state = 'succeeded' AND concluded_at IS NULL"
    )
    return [execution_from(row) for row in rows]


def unknown(since: datetime, stuck_before: datetime) -> Operation[list[Execution]]:
    """Executions sent since then whose outcome is unknown, and what was never finished."""
    rows = yield query(
        "SELECT * FROM executions WHERE (state = 'outcome unknown' AND started_at >= ?)"
        " OR (state = 'dispatching' AND started_at < ?)",
        stamp(since),
        stamp(stuck_before),
    )
    return [execution_from(row) for row in rows]


def count_probe(execution_id: str, good: bool, note: str) -> Operation[int]:
    """Count a good probe in a row, or start again. Returns how many in a row were good."""
    rows = yield query(
        "UPDATE executions SET good_probes = CASE WHEN ? = 1 THEN good_probes + 1 ELSE 0 END,"
        " verify_note = ? WHERE id = ? AND state = 'succeeded' AND concluded_at IS NULL"
        " RETURNING good_probes",
        int(good),
        note,
        execution_id,
    )
    return rows[0]["good_probes"] if rows else 0


def conclude(
    execution_id: str, state: RemediationStatus, note: str, now: datetime
) -> Operation[bool]:
    """Verified, not verified, or `succeeded` for good where nobody can tell: once.

    Only `verified` lets an incident say what fixed it.
    """
    count = yield execute(
        "UPDATE executions SET state = ?, verify_note = ?, concluded_at = ?"
        " WHERE id = ? AND state = 'succeeded' AND concluded_at IS NULL",
        state,
        note,
        stamp(now),
        execution_id,
    )
    if not count:
        return False
    execution = yield from get(execution_id)
    if state is RemediationStatus.VERIFIED:
        yield run(
            "UPDATE incidents SET fixed_by = ?, revision = revision + 1 WHERE id = ?",
            execution_id,
            execution.incident_id,
        )
    known = state is not RemediationStatus.SUCCEEDED
    text = f"Remediation {state}" if known else "Whether the remediation helped is unknown"
    yield from incidents.tell(execution.incident_id, now, str(state), text)
    yield from _show(execution, now)
    incident = yield from incidents.get(execution.incident_id)
    yield from incidents.show_card(incident.id, incident.channel, incident.severity, now)
    if incident.resolved_at:
        yield from incidents.reply(incident, "resolved", incident.id, now)
    yield from _record(
        Kind(state) if known else Kind.VERIFICATION_UNKNOWN, execution, now, note=note
    )
    return True


def _record(
    kind: Kind, execution: Execution, now: datetime, actor: str = "", **detail: str
) -> Operation[None]:
    yield from audit.record(
        kind,
        now=now,
        incident_id=execution.incident_id,
        subject=execution.approval_id,
        actor=actor,
        detail={"execution": execution.id, **detail},
    )


def _show(execution: Execution, now: datetime) -> Operation[None]:
    incident = yield from incidents.get(execution.incident_id)
    yield from incidents.reply(incident, "approval", execution.approval_id, now)
    if execution.finished_at:
        yield from incidents.reply(incident, "result", execution.id, now)
