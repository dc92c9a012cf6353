"""The track record of an SOP's action."""

from __future__ import annotations

from datetime import datetime

from bot.approvals.outcomes import Attempt, Outcomes, outcomes
from bot.approvals.record import REOPENED_WITHIN, Run, TrackRecord, track_record
from bot.incidents.remediation import RemediationStatus
from store.operations.part import Part
from store.statements import Operation, Row, from_db_time, from_db_time_or_none, query

LAST = 500  # executions; older ones say little about today
# The first resolve after it began, for its incident may have been reopened since.
_RESOLVED = (
    "(SELECT MIN(t.at) FROM timeline t WHERE t.incident_id = i.id"
    " AND t.kind IN ('resolved', 'quiet') AND t.at >= e.started_at)"
)
# The times from which `_came_back` decides.
_AFTERWARDS = (
    f"{_RESOLVED} AS resolved_at,"  # noqa: S608 - constants
    " (SELECT MIN(t.at) FROM timeline t WHERE t.incident_id = i.id"
    f" AND t.kind IN ('reopened', 'refired') AND t.at >= {_RESOLVED}) AS reopened_at,"
    " (SELECT MIN(n.opened_at) FROM incidents n WHERE n.sop_id = i.sop_id"
    " AND n.scope_env = i.scope_env AND n.scope_region = i.scope_region"
    " AND n.scope_service = i.scope_service AND n.scope_place = i.scope_place AND n.id > i.id"
    " AND n.opened_at >= e.started_at) AS next_at"
)


def of(sop_id: str, action_id: str) -> Operation[TrackRecord]:
    """Return the record of an action for a SOP ID, over all incidents."""
    rows = yield query(
        f"SELECT e.state, e.started_at, e.concluded_at, a.decided_by, {_AFTERWARDS}"  # noqa: S608 - constants
        " FROM executions e JOIN approvals a ON a.id = e.approval_id"
        " JOIN incidents i ON i.id = e.incident_id"
        " WHERE i.sop_id = ? AND a.action_id = ? AND e.started_at IS NOT NULL"
        " AND e.state NOT IN ('revoked', 'dispatching')"
        " ORDER BY e.started_at DESC LIMIT ?",
        sop_id,
        action_id,
        LAST,
    )
    return track_record(
        [
            Run(
                state=RemediationStatus(row["state"]),
                started_at=from_db_time(row["started_at"]),
                recovered_at=from_db_time_or_none(row["concluded_at"]),
                approved_by=row["decided_by"],
                came_back=_came_back(row),
            )
            for row in reversed(rows)
        ]
    )


def attempts(sop_id: str) -> Operation[list[Attempt]]:
    """Return the newest proposals under a SOP ID, over all incidents, each with its outcome."""
    rows = yield query(
        f"SELECT a.action_id, a.requested_at, i.service, e.state, e.started_at, {_AFTERWARDS}"  # noqa: S608 - constants
        " FROM approvals a JOIN incidents i ON i.id = a.incident_id"
        " LEFT JOIN executions e ON e.approval_id = a.id"
        " WHERE i.sop_id = ? ORDER BY a.requested_at DESC, a.id LIMIT ?",
        sop_id,
        LAST,
    )
    return [
        Attempt(
            action_id=row["action_id"],
            service=row["service"],
            at=from_db_time(row["requested_at"]),
            state=RemediationStatus(row["state"]) if row["state"] else None,
            started=row["started_at"] is not None,
            came_back=_came_back(row),
        )
        for row in rows
    ]


def _came_back(row: Row) -> bool:
    """Return whether its incident was reopened, or the next one opened, so soon."""
    times = [at for at in (row["reopened_at"], row["next_at"]) if at]
    if not (row["resolved_at"] and times):
        return False
    return from_db_time(min(times)) - from_db_time(row["resolved_at"]) <= REOPENED_WITHIN


class TrackRecordPart(Part):
    """The methods of `Store` for track records."""

    async def outcomes(self, sop_id: str, now: datetime) -> list[Outcomes]:
        """Return the outcome ledger of a SOP ID: what became of each action, by service."""
        return outcomes(await self._engine.read(attempts, sop_id), now)

    async def track_record(self, sop_id: str, action_id: str) -> TrackRecord:
        """The results of this action for that SOP ID so far."""
        return await self._engine.read(of, sop_id, action_id)
