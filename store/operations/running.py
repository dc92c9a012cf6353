"""Reads the actions that run at the gateway: their progress, and whether a person can cancel."""

from __future__ import annotations

from datetime import datetime

from bot.approvals.model import Approval
from bot.incidents.remediation import RemediationStatus
from store.operations import approvals, executions, incidents
from store.operations.part import Part
from store.statements import Operation, execute, query


def note_progress(
    execution_id: str, owner: str, progress: str, *, cancellable: bool, now: datetime
) -> Operation[None]:
    """Store how far it is, and show it on its card.

    1. Update the execution if this replica has it and anything changed.
    2. Enqueue its card. The incident's card only names what runs, which the dispatch has shown.
    """
    execution = yield from executions.get(execution_id)
    changed = yield execute(
        "UPDATE executions SET progress = ?, cancellable = ?"
        " WHERE id = ? AND owner = ? AND state = ?"
        " AND (progress IS NULL OR progress != ? OR cancellable != ?)",
        progress,
        int(cancellable),
        execution_id,
        owner,
        RemediationStatus.DISPATCHING,
        progress,
        int(cancellable),
    )
    if not changed:
        return
    incident = yield from incidents.get(execution.incident_id)
    yield from incidents.reply(incident, "approval", execution.approval_id, now)


IS_RUNNING = "state = 'dispatching'"


def of_incident(incident_id: int) -> Operation[list[Approval]]:
    """Return the approvals of an incident and its children that the gateway runs, three at most."""
    rows = yield query(
        "SELECT approval_id FROM executions WHERE (incident_id = ?"  # noqa: S608 - constants
        " OR incident_id IN (SELECT id FROM incidents WHERE parent_id = ?))"
        f" AND {IS_RUNNING} ORDER BY started_at, id LIMIT 3",
        incident_id,
        incident_id,
    )
    running = []
    for row in rows:
        running.append((yield from approvals.get(row["approval_id"])))
    return running


class RunningPart(Part):
    """The methods of `Store` for what the gateway runs."""

    async def note_progress(
        self, execution_id: str, progress: str, *, cancellable: bool, now: datetime
    ) -> None:
        """Show how far an execution of this replica is; nothing once its outcome is known."""
        await self._write(
            note_progress, execution_id, self.owner, progress, cancellable=cancellable, now=now
        )
