"""The outcome of a request: the gateway's answer or a person's word, then its verification."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.approvals.model import Approval, Execution
from bot.approvals.reasons import sent_before
from bot.approvals.transitions import ApprovalEvent, ExecutionEvent, target
from bot.incidents.remediation import RemediationStatus
from bot.language import packed
from store.audit.proof.rows import sha256_of
from store.operations import approvals, executions, incidents, news, verification
from store.operations.audit_kinds import Kind
from store.operations.part import Part
from store.operations.transitions import Change, transition
from store.rows import dump, execution_from
from store.statements import Operation, query, run, to_db_time, to_db_time_or_none


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
    not_run: bool = False,
) -> Operation[Execution]:
    """Store the gateway's answer (or that there was none), and show it in the thread.

    A finished execution stays unchanged and is not shown twice. But an answer of the gateway itself
    counts for any request, also if the execution was revoked meanwhile or marked as not run.
    """
    execution: Execution = yield from executions.get(execution_id)
    approval: Approval = yield from approvals.get(execution.approval_id)
    may_retry = not_run and not looked_up and state is RemediationStatus.FAILED
    retry_until = approval.valid_until if may_retry else None
    change = Change(
        event=_OUTCOMES[state],
        now=now,
        values={
            "answer": dump(answer) if answer is not None else None,
            "error": error,
            "error_message": packed(error),
            "finished_at": to_db_time(finished_at),
            "verify_until": to_db_time_or_none(verify_until),
            "by_hand": "",
            "retry_until": to_db_time_or_none(retry_until),
        },
        only_if=(
            _IS_UNDECIDED,
            owner,
            int(answer is not None),
        ),
        detail={
            "state": state,
            "error": error,
            "answer_sha256": sha256_of(answer),
            **({"not_run": "yes"} if may_retry else {}),
        },
        kind=Kind.LOOKED_UP
        if looked_up and state is not RemediationStatus.OUTCOME_UNKNOWN
        else None,
    )
    finished: Execution | None = yield from transition(execution, change)
    if finished is None:
        return execution
    reinstated = Change(
        event=ApprovalEvent.REINSTATE,
        now=now,
        reason=sent_before(approval.reason),
    )
    yield from transition(approval, reinstated)
    yield from news.of_execution(finished, approval, now)
    yield from news.outcome_is_known(finished, now)
    if state is RemediationStatus.SUCCEEDED and approval.undoes:
        yield from _undo(finished, approval.undoes, now)
    return finished


_IS_UNDECIDED = (
    "((state IN ('dispatching', 'outcome unknown') AND owner = ?) OR (? = 1"
    " AND (state IN ('dispatching', 'outcome unknown')"
    " OR (state = 'revoked' AND started_at IS NOT NULL)"
    " OR (state = 'failed' AND by_hand != ''))))"
)
_OUTCOMES = {
    target(event): event
    for event in (ExecutionEvent.SUCCEED, ExecutionEvent.FAIL, ExecutionEvent.LOSE)
}


def _undo(execution: Execution, undone_id: str, now: datetime) -> Operation[None]:
    """Store that this execution has undone that one."""
    rows = yield query("SELECT * FROM executions WHERE id = ?", undone_id)
    change = Change(event=ExecutionEvent.UNDO, now=now, detail={"by": execution.id})
    for row in rows:
        yield from transition(execution_from(row), change)


def mark_by_hand(
    execution_id: str, user: str, now: datetime, verify_until: datetime
) -> Operation[bool]:
    """Mark the execution as done by a person. False unless its outcome is unknown."""
    event = ExecutionEvent.MARK_DONE
    marked: bool = yield from _mark(execution_id, event, user, now, verify_until)
    return marked


def mark_not_run(execution_id: str, user: str, now: datetime) -> Operation[bool]:
    """Mark the execution as never run: its target is free. False unless its outcome is unknown."""
    event = ExecutionEvent.MARK_NOT_RUN
    marked: bool = yield from _mark(execution_id, event, user, now, None)
    return marked


def _mark(
    execution_id: str,
    event: ExecutionEvent,
    user: str,
    now: datetime,
    verify_until: datetime | None,
) -> Operation[bool]:
    execution = yield from executions.get(execution_id)
    change = Change(
        event=event,
        now=now,
        actor=user,
        values={
            "by_hand": user,
            "error": "",
            "finished_at": to_db_time(now),
            "verify_until": to_db_time_or_none(verify_until),
        },
        detail={"state": target(event)},
    )
    marked: Execution | None = yield from transition(execution, change)
    if marked is not None:
        yield from news.outcome_is_known(marked, now)
    return marked is not None


def verifying() -> Operation[list[Execution]]:
    """Executions that ran and are not verified yet."""
    rows = yield query(
        "SELECT * FROM executions WHERE state = 'succeeded' AND concluded_at IS NULL"
    )
    return [execution_from(row) for row in rows]


def unknown(since: datetime, stuck_before: datetime) -> Operation[list[Execution]]:
    """Return the executions sent since then whose outcome is unknown, those that still run at the
    gateway, and those that were never finished.
    """
    rows = yield query(
        "SELECT * FROM executions WHERE (state = 'outcome unknown' AND started_at >= ?)"
        " OR (state = 'dispatching' AND (running_at IS NOT NULL"
        " OR COALESCE(taken_over_at, started_at) < ?))",
        to_db_time(since),
        to_db_time(stuck_before),
    )
    return [execution_from(row) for row in rows]


def count_probe(execution_id: str, good: bool, note: str) -> Operation[int]:
    """Count a good probe in a row, or start again. Returns how many in a row were good."""
    rows = yield query(
        "UPDATE executions SET good_probes = CASE WHEN ? = 1 THEN good_probes + 1 ELSE 0 END,"
        " verify_note = ?, verify_message = ?"
        " WHERE id = ? AND state = 'succeeded' AND concluded_at IS NULL"
        " RETURNING good_probes",
        int(good),
        note,
        packed(note),
        execution_id,
    )
    return rows[0]["good_probes"] if rows else 0


def conclude(
    execution_id: str, state: RemediationStatus, note: str, now: datetime
) -> Operation[bool]:
    """Store the verdict once: verified, not verified, or `succeeded` for good if it is unknown.

    Only a verified execution is shown as the fix of its incident.
    """
    before: Execution = yield from executions.get(execution_id)
    change = Change(
        event=_VERDICTS[state],
        now=now,
        values={
            "verify_note": note,
            "verify_message": packed(note),
            "concluded_at": to_db_time(now),
        },
        only_if=("concluded_at IS NULL",),
        detail={"note": note},
    )
    execution: Execution | None = yield from transition(before, change)
    if execution is None:
        return False
    yield from verification.end(execution_id)
    if state is RemediationStatus.VERIFIED:
        yield run(
            "UPDATE incidents SET fixed_by = ? WHERE id = ?",
            execution_id,
            execution.incident_id,
        )
    incident = yield from incidents.get(execution.incident_id)
    yield from incidents.show_card(incident.id, incident.channel, incident.severity, now)
    approval = yield from approvals.get(execution.approval_id)
    yield from news.of_execution(execution, approval, now)
    if incident.resolved_at:
        subject = yield from incidents.resolved_subject(incident.id)
        yield from incidents.reply(incident, "resolved", subject, now)
    return True


_VERDICTS = {
    target(event): event
    for event in (ExecutionEvent.VERIFY, ExecutionEvent.NOT_HELP, ExecutionEvent.STAY_UNVERIFIED)
}


class OutcomesPart(Part):
    """The methods of `Store` for the outcomes of executions."""

    async def finish_execution(
        self,
        execution: Execution,
        state: RemediationStatus,
        *,
        answer: dict[str, Any] | None,
        error: str,
        now: datetime,
        finished_at: datetime | None = None,
        verify_until: datetime | None = None,
        looked_up: bool = False,
        not_run: bool = False,
    ) -> Execution:
        """Store the outcome and show it.

        It changes no finished execution, and without the gateway's answer none that another replica
        has taken over since. The answer counts even if the execution was revoked, or marked as not
        run, while it was in progress.

        `finished_at` is when it ended, where that is known; else it ended now. `looked_up`: the
        gateway was asked for it afterwards. `not_run`: nothing ran, for sure.
        """
        return await self._write(
            finish,
            execution.id,
            state,
            owner=execution.owner,
            answer=answer,
            error=error,
            now=now,
            finished_at=finished_at or now,
            verify_until=verify_until,
            looked_up=looked_up,
            not_run=not_run,
        )

    async def mark_by_hand(
        self, execution: Execution, user: str, now: datetime, verify_until: datetime
    ) -> bool:
        """Mark the execution as done by a person; False unless its outcome is unknown."""
        return await self._write(mark_by_hand, execution.id, user, now, verify_until)

    async def mark_not_run(self, execution: Execution, user: str, now: datetime) -> bool:
        """Mark the execution as never run; False unless its outcome is unknown."""
        return await self._write(mark_not_run, execution.id, user, now)

    async def verifying(self) -> list[Execution]:
        """Executions that ran and are not verified yet."""
        return await self._engine.read(verifying)

    async def unknown_outcomes(self, since: datetime, stuck_before: datetime) -> list[Execution]:
        """Executions whose outcome is unknown, sent since then.

        With those that still run at the gateway, and those that a replica began to send, or took
        over, before `stuck_before` and never finished.
        """
        return await self._engine.read(unknown, since, stuck_before)

    async def count_probe(self, execution_id: str, good: bool, note: str) -> int:
        """Count a probe: returns how many in a row were good, this one included."""
        return await self._write(count_probe, execution_id, good, note)

    async def conclude(
        self, execution_id: str, state: RemediationStatus, note: str, now: datetime
    ) -> bool:
        """Store the verdict: verified, not verified, or `succeeded` if it is unknown.

        False the second time. An execution is `undone` once the execution of its undo succeeded.
        """
        return await self._write(conclude, execution_id, state, note, now)
