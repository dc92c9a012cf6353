"""The outcome of a request: the gateway's answer or a person's word, then its verification."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.approvals import blocker_text
from bot.approvals.limits import DEFAULT_LIMITS, Limits
from bot.approvals.model import Execution
from bot.errors import Refused
from bot.incidents.remediation import RemediationStatus
from store.audit.proof import sha256_of
from store.operations import approvals, executions, guards, incidents, news, verification
from store.operations.audit import Kind
from store.operations.part import Part
from store.rows import dump, execution_from
from store.statements import Operation, execute, notify, query, run, to_db_time, to_db_time_or_none
from store.topics import Topic


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
    """Write what the gateway answered (or that it did not), and show it in the thread.

    What is finished already stays as it is, and nothing is told twice. But what the gateway itself
    answered is true, whoever asked: also of what was revoked meanwhile, or said not to have run.
    """
    count = yield execute(
        "UPDATE executions SET state = ?, answer = ?, error = ?, finished_at = ?, verify_until = ?,"
        " by_hand = '', retry_until = NULL"
        " WHERE id = ? AND ((state IN ('dispatching', 'outcome unknown') AND owner = ?) OR (? = 1"
        " AND (state IN ('dispatching', 'outcome unknown')"
        " OR (state = 'revoked' AND started_at IS NOT NULL)"
        " OR (state = 'failed' AND by_hand != ''))))",
        state,
        dump(answer) if answer is not None else None,
        error,
        to_db_time(finished_at),
        to_db_time_or_none(verify_until),
        execution_id,
        owner,
        int(answer is not None),
    )
    execution = yield from executions.get(execution_id)
    if count:
        yield run(
            "UPDATE approvals SET state = ?, reason = 'sent before it was revoked: ' || reason"
            " WHERE id = ? AND state = ?",
            RemediationStatus.APPROVED,
            execution.approval_id,
            RemediationStatus.REVOKED,
        )
        yield from incidents.append_event(
            execution.incident_id, now, "dispatched", f"Remediation {state}"
        )
        approval = yield from approvals.get(execution.approval_id)
        again = not_run and not looked_up and state is RemediationStatus.FAILED
        if again and approval.holds_until:
            yield run(
                "UPDATE executions SET retry_until = ? WHERE id = ?",
                to_db_time(approval.holds_until),
                execution_id,
            )
        incident = yield from incidents.get(execution.incident_id)
        yield from executions.show(execution, incident, now)
        yield from news.of_execution(execution, approval, now)
        yield from news.outcome_is_known(execution, now)
        if state is RemediationStatus.SUCCEEDED:
            yield from _take_back(execution, now)
        yield from _target_is_free()
        kind = Kind.LOOKED_UP if looked_up else Kind.ANSWER
        if state is RemediationStatus.OUTCOME_UNKNOWN:
            kind = Kind.OUTCOME_UNKNOWN
        yield from executions.record(
            kind,
            execution,
            now,
            state=state,
            error=error,
            answer_sha256=sha256_of(answer),
            **({"not_run": "yes"} if again else {}),
        )
    return execution


def try_again(approval_id: str, user: str, now: datetime, limits: Limits) -> Operation[None]:
    """Queue it once more, by the same approval: of what provably did not run, while that holds.

    However many press, one UPDATE claims the attempt. `started_at` stays: the limits count it.
    """
    approval = yield from approvals.get(approval_id)
    yield from incidents.lock_incident(approval.incident_id)
    incident = yield from incidents.get(approval.incident_id)
    blocker = yield from guards.blocker(approval, incident, limits, now)
    if blocker:
        raise blocker_text.refused(blocker, "Not tried again")
    rows = yield query(
        "UPDATE executions SET state = 'approved', owner = '', answer = NULL, error = '',"
        " finished_at = NULL, retry_until = NULL, attempt = attempt + 1, created_at = ?"
        " WHERE approval_id = ? AND state = 'failed' AND retry_until > ? RETURNING *",
        to_db_time(now),
        approval_id,
        to_db_time(now),
    )
    if not rows:
        raise Refused("Not tried again: only what did not run can be, and only once a time.")
    execution = execution_from(rows[0])
    yield from incidents.append_event(
        incident.id, now, "tried again", "Remediation tried again", user
    )
    yield from incidents.show_approval(incident, approval_id, now)
    yield from incidents.reply(incident, "result", execution.id, now)
    yield notify(Topic.DISPATCH)
    yield from executions.record(
        Kind.TRIED_AGAIN, execution, now, actor=user, attempt=str(execution.attempt)
    )


def end_retries(now: datetime) -> Operation[None]:
    """Remove the button where the approval is too old or the incident is resolved."""
    rows = yield query(
        "UPDATE executions SET retry_until = NULL WHERE retry_until IS NOT NULL AND"
        " (retry_until <= ? OR incident_id IN (SELECT id FROM incidents WHERE status = 'resolved'))"
        " RETURNING *",
        to_db_time(now),
    )
    for row in rows:
        execution = execution_from(row)
        incident = yield from incidents.get(execution.incident_id)
        yield from executions.show(execution, incident, now)


def _target_is_free() -> Operation[None]:
    """The next action on that target may be sent, and cards get their buttons back."""
    yield notify(Topic.DISPATCH)
    yield notify(Topic.APPROVALS)


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
        yield from incidents.append_event(undone.incident_id, now, "undone", "Remediation undone")
        incident = yield from incidents.get(undone.incident_id)
        yield from executions.show(undone, incident, now)
        yield from executions.record(Kind.UNDONE, undone, now, by=execution.id)


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
        to_db_time(now),
        to_db_time_or_none(verify_until),
        execution_id,
        RemediationStatus.OUTCOME_UNKNOWN,
    )
    for row in rows:
        execution = execution_from(row)
        yield from incidents.append_event(execution.incident_id, now, "by hand", text, user)
        incident = yield from incidents.get(execution.incident_id)
        yield from executions.show(execution, incident, now)
        yield from news.outcome_is_known(execution, now)
        yield from _target_is_free()
        yield from executions.record(
            Kind.MARKED_BY_HAND, execution, now, actor=user, state=execution.state
        )
    return bool(rows)


def verifying() -> Operation[list[Execution]]:
    """Executions that ran and are not verified yet."""
    rows = yield query(
        "SELECT * FROM executions WHERE state = 'succeeded' AND concluded_at IS NULL"
    )
    return [execution_from(row) for row in rows]


def unknown(since: datetime, stuck_before: datetime) -> Operation[list[Execution]]:
    """Executions sent since then whose outcome is unknown, what still runs at the gateway, and what
    was never finished.
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
        to_db_time(now),
        execution_id,
    )
    if not count:
        return False
    yield from verification.end(execution_id)
    execution = yield from executions.get(execution_id)
    if state is RemediationStatus.VERIFIED:
        yield run(
            "UPDATE incidents SET fixed_by = ?, revision = revision + 1 WHERE id = ?",
            execution_id,
            execution.incident_id,
        )
    yield notify(Topic.APPROVALS)
    known = state is not RemediationStatus.SUCCEEDED
    text = f"Remediation {state}" if known else "Whether the remediation helped is unknown"
    yield from incidents.append_event(execution.incident_id, now, str(state), text)
    incident = yield from incidents.get(execution.incident_id)
    yield from executions.show(execution, incident, now)
    yield from incidents.show_card(incident.id, incident.channel, incident.severity, now)
    approval = yield from approvals.get(execution.approval_id)
    yield from news.of_execution(execution, approval, now)
    if incident.resolved_at:
        subject = yield from incidents.resolved_subject(incident.id)
        yield from incidents.reply(incident, "resolved", subject, now)
    yield from executions.record(
        Kind(state) if known else Kind.VERIFICATION_UNKNOWN, execution, now, note=note
    )
    return True


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
        """Write the outcome and show it. Without effect on what is finished.

        Nor, without a gateway's answer, on what another replica has taken over since. The answer
        counts even for what was revoked, or said not to have run, while it was under way.

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

    async def try_again(
        self, approval_id: str, user: str, now: datetime, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        """Queue again what did not run, by the same approval; Refused if not allowed."""
        await self._write(try_again, approval_id, user, now, limits)

    async def end_retries(self, now: datetime) -> None:
        """Remove Try again where the approval is too old by now."""
        await self._write(end_retries, now)

    async def mark_by_hand(
        self, execution: Execution, user: str, now: datetime, verify_until: datetime
    ) -> bool:
        """A person says that they did it; False unless its outcome is unknown."""
        return await self._write(mark_by_hand, execution.id, user, now, verify_until)

    async def mark_not_run(self, execution: Execution, user: str, now: datetime) -> bool:
        """A person says that it never ran; False unless its outcome is unknown."""
        return await self._write(mark_not_run, execution.id, user, now)

    async def verifying(self) -> list[Execution]:
        """Executions that ran and are not verified yet."""
        return await self._engine.read(verifying)

    async def unknown_outcomes(self, since: datetime, stuck_before: datetime) -> list[Execution]:
        """Executions whose outcome is unknown, sent since then.

        With those that still run at the gateway, and those that somebody began to send, or took
        over, before `stuck_before` and never finished.
        """
        return await self._engine.read(unknown, since, stuck_before)

    async def count_probe(self, execution_id: str, good: bool, note: str) -> int:
        """How many probes in a row were good, this one included."""
        return await self._write(count_probe, execution_id, good, note)

    async def conclude(
        self, execution_id: str, state: RemediationStatus, note: str, now: datetime
    ) -> bool:
        """Verified, not verified, or `succeeded` where nobody can tell. False the second time.

        What was to be taken back by another execution is `undone` once that one succeeded.
        """
        return await self._write(conclude, execution_id, state, note, now)
