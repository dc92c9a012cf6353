"""Try again: an action that provably did not run is queued once more, by the same approval."""

from __future__ import annotations

from datetime import datetime

from bot.approvals import reason_text
from bot.approvals.limits import DEFAULT_LIMITS, Limits
from bot.approvals.transitions import ExecutionEvent
from bot.errors import Refused
from bot.language import N_, deferred
from store.operations import approvals, executions, guards, incidents
from store.operations.part import Part
from store.operations.transitions import Change, show, transition
from store.rows import execution_from
from store.statements import Operation, query, to_db_time


def try_again(approval_id: str, user: str, now: datetime, limits: Limits) -> Operation[None]:
    """Queue it once more by the same approval, if it provably did not run and may run now.

    One UPDATE claims the attempt, so only one press counts. `started_at` stays: limits count it.
    """
    approval = yield from approvals.get(approval_id)
    yield from incidents.lock_incident(approval.incident_id)
    incident = yield from incidents.get(approval.incident_id)
    blocker = yield from guards.blocker(approval, incident, limits, now)
    if blocker:
        raise reason_text.refused(blocker, N_("Not tried again"))
    execution = yield from executions.of_approval(approval_id)
    change = Change(
        event=ExecutionEvent.TRY_AGAIN,
        now=now,
        actor=user,
        values={
            "owner": "",
            "answer": None,
            "error": "",
            "finished_at": None,
            "retry_until": None,
            "attempt": execution.attempt + 1 if execution else 0,
            "created_at": to_db_time(now),
        },
        only_if=("retry_until > ?", to_db_time(now)),
        detail={"attempt": str(execution.attempt + 1)} if execution else {},
    )
    if execution is None or not (yield from transition(execution, change, incident)):
        raise Refused(
            deferred("Not tried again: only what did not run can be, and only once a time.")
        )


def end_retries(now: datetime) -> Operation[None]:
    """Remove the button if the approval is too old or the incident is resolved."""
    rows = yield query(
        "UPDATE executions SET retry_until = NULL WHERE retry_until IS NOT NULL AND"
        " (retry_until <= ? OR incident_id IN (SELECT id FROM incidents WHERE status = 'resolved'))"
        " RETURNING *",
        to_db_time(now),
    )
    for row in rows:
        execution = execution_from(row)
        incident = yield from incidents.get(execution.incident_id)
        yield from show(execution, incident, now)


class RetriesPart(Part):
    """The methods of `Store` for Try again."""

    async def try_again(
        self, approval_id: str, user: str, now: datetime, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        """Queue an action that did not run once more; Refused if not allowed."""
        await self._write(try_again, approval_id, user, now, limits)

    async def end_retries(self, now: datetime) -> None:
        """Remove Try again if the approval is too old by now."""
        await self._write(end_retries, now)
