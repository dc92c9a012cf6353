"""The stored facts about what may block a remediation; `blockers.evaluate` decides."""

from __future__ import annotations

from datetime import datetime

from bot.approvals.blockers import Blocker, evaluate, since_of
from bot.approvals.facts import Config, Facts, PastRun
from bot.approvals.limits import Limits
from bot.approvals.model import Approval, Freeze
from bot.incidents.model import Incident
from bot.incidents.remediation import RemediationStatus
from store.operations import disputes, freezes, scoped_freezes, trust
from store.operations.part import Part
from store.operations.trail_end import End
from store.statements import Operation, from_db_time, query, to_db_time


def blocker(
    approval: Approval,
    incident: Incident,
    limits: Limits,
    now: datetime,
    config: Config | None = None,
) -> Operation[Blocker | None]:
    """Return the present blocker."""
    known: Facts = yield from facts(limits, now)
    return evaluate(approval, incident, known, limits, now, config=config)


# A request for it reached the gateway, as far as is known.
_RUNS = """
SELECT e.approval_id, e.incident_id, i.sop_id, a.action_id, a.target, e.state, e.started_at
FROM executions e JOIN approvals a ON a.id = e.approval_id JOIN incidents i ON i.id = e.incident_id
WHERE e.started_at IS NOT NULL AND e.state NOT IN ('approved', 'revoked')
    AND NOT (e.state = 'failed' AND e.answer IS NULL)
"""
# Each of the three has an index of its own; the words of the second are those of its index.
_KNOWN = f"""
{_RUNS} AND e.started_at > ?
UNION {_RUNS} AND e.state IN ('approved', 'dispatching', 'succeeded', 'outcome unknown')
    AND e.state IN ('dispatching', 'outcome unknown')
UNION {_RUNS} AND i.status IN ('open', 'acknowledged') AND e.state IN ('not verified', 'undone')
ORDER BY started_at
"""


def facts(limits: Limits, now: datetime, *, missing: bool = True) -> Operation[Facts]:
    """Return the facts for `evaluate`, for any number of approvals.

    Without `missing` it does not check whether an earlier request is missing from the store.
    """
    frozen: Freeze | None
    end: End
    frozen, end = yield from freezes.with_end()
    scopes: dict[str, Freeze] = yield from scoped_freezes.current()
    dispute: str = yield from disputes.of_trail(end)
    missing_requests: list[str] = (yield from trust.lost_requests(now, end)) if missing else []
    rows = yield query(_KNOWN, to_db_time(since_of(limits, now)))
    runs = [
        PastRun(
            approval_id=row["approval_id"],
            incident_id=row["incident_id"],
            sop_id=row["sop_id"],
            action_id=row["action_id"],
            target=row["target"],
            state=RemediationStatus(row["state"]),
            started_at=from_db_time(row["started_at"]),
        )
        for row in rows
    ]
    return Facts(frozen, runs, tuple(missing_requests), dispute, scopes)


class GuardsPart(Part):
    """The methods of `Store` for the facts about blockers."""

    async def blocker_facts(self, limits: Limits, now: datetime) -> Facts:
        """Return the facts for `blockers.evaluate`, for any number of approvals."""
        return await self._read_sealed(facts, limits, now)
