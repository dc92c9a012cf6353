"""Finds overdue work of the bot itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.language import N_
from store.operations.part import Part
from store.statements import Operation, query, to_db_time

SHOWN = 5  # overdue items that are named

OVERDUE = timedelta(minutes=5)  # a message, a card or an advice that is due so long
DECIDED = timedelta(minutes=1)  # an approved action without a claim, an execution without a verdict


@dataclass(frozen=True, slots=True)
class OverdueWork:
    """Work that does not progress. `what` names it in a metric; `names` are the first few."""

    what: str
    says: str
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    what: str
    says: str
    sql: str
    """Gives `name` for each that stands still. Its one parameter is the time before which."""
    timeout: timedelta


# Of an incident's message people know the incident.
_NAMED = (
    "CASE WHEN o.incident_id IS NULL THEN o.key"
    " ELSE 'INC-' || o.incident_id || ' (' || o.kind || ')' END"
)

_RULES = (
    _Rule(
        "alert",
        N_("alerts that were taken in and led to nothing"),
        "SELECT tracking_id AS name FROM alerts"
        " WHERE incident_id IS NULL AND reason = '' AND received_at < ?",
        timedelta(),
    ),
    _Rule(
        "card",
        N_("open incidents without a card in Slack"),
        "SELECT 'INC-' || i.id AS name FROM incidents i LEFT JOIN outbox o"
        " ON o.incident_id = i.id AND o.kind = 'card'"
        " WHERE i.status IN ('open', 'acknowledged') AND i.parent_id IS NULL AND o.ts IS NULL"
        " AND i.opened_at < ?",
        OVERDUE,
    ),
    _Rule(
        "message",
        N_("messages that are overdue in Slack"),
        f"SELECT {_NAMED} AS name FROM outbox o LEFT JOIN outbox card"  # noqa: S608 - constants
        " ON o.in_thread = 1 AND card.incident_id = o.incident_id AND card.kind = 'card'"
        " WHERE o.sent_version < o.desired_version AND o.given_up_at IS NULL"
        " AND (o.kind != 'card' OR o.ts IS NOT NULL)"
        " AND (o.in_thread = 0 OR card.ts IS NOT NULL)"
        " AND o.enqueued_at < ?",
        OVERDUE,
    ),
    _Rule(
        "undelivered",
        N_("messages that Slack does not take"),
        f"SELECT {_NAMED} AS name FROM outbox o"  # noqa: S608 - constants
        " LEFT JOIN incidents i ON i.id = o.incident_id"
        " WHERE o.sent_version < o.desired_version AND o.given_up_at <= ?"
        " AND COALESCE(i.status, 'open') != 'resolved' AND NOT EXISTS (SELECT 1 FROM notices n"
        " WHERE n.kind = o.kind AND CAST(n.id AS TEXT) = o.subject AND n.ended_at IS NOT NULL)",
        timedelta(),
    ),
    _Rule(
        "advice",
        N_("advice that was asked for and not given"),
        "SELECT 'INC-' || a.incident_id AS name FROM advice a"
        " JOIN outbox o ON o.incident_id = a.incident_id AND o.kind = 'card'"
        " WHERE a.state != 'done' AND o.ts IS NOT NULL AND a.at < ?",
        timedelta(minutes=15),
    ),
    _Rule(
        "proposal",
        N_("remediations that were to be proposed and were not"),
        "SELECT 'INC-' || p.incident_id AS name FROM proposing p"
        " JOIN incidents i ON i.id = p.incident_id"
        " WHERE p.state != 'done' AND i.status IN ('open', 'acknowledged') AND p.not_before < ?",
        OVERDUE,
    ),
    _Rule(
        "approval",
        N_("approvals past their time that did not expire"),
        "SELECT id AS name FROM approvals WHERE state = 'awaiting approval' AND expires_at < ?",
        DECIDED,
    ),
    _Rule(
        "approved",
        N_("approved actions that were neither sent nor refused"),
        # An execution that waits for a busy target is not overdue: it has a rule of its own.
        "SELECT e.approval_id AS name FROM executions e JOIN approvals a ON a.id = e.approval_id"
        " WHERE e.state = 'approved' AND e.created_at < ? AND NOT EXISTS (SELECT 1"
        " FROM executions b JOIN approvals c ON c.id = b.approval_id"
        " WHERE b.state = 'dispatching' AND c.target = a.target)",
        DECIDED,
    ),
    _Rule(
        "dispatch",
        N_("dispatches without a result"),
        "SELECT id AS name FROM executions WHERE state = 'dispatching'"
        " AND COALESCE(taken_over_at, started_at) < ?",
        OVERDUE,
    ),
    _Rule(
        "verification",
        N_("remediations past their deadline without a verdict"),
        "SELECT id AS name FROM executions WHERE state = 'succeeded' AND verify_until < ?",
        DECIDED,
    ),
)

KINDS = tuple(rule.what for rule in _RULES)
"""Everything that can be stuck, as metrics name it."""


def overdue_work(now: datetime) -> Operation[list[OverdueWork]]:
    """Return all overdue work."""
    overdue_works: list[OverdueWork] = []
    for rule in _RULES:
        rows = yield query(
            f"SELECT COUNT(*) AS n FROM ({rule.sql}) AS still",  # noqa: S608 - constants
            to_db_time(now - rule.timeout),
        )
        if not rows[0]["n"]:
            continue
        item = yield query(
            f"SELECT name FROM ({rule.sql}) AS still ORDER BY name LIMIT {SHOWN}",  # noqa: S608 - constants
            to_db_time(now - rule.timeout),
        )
        names = tuple(str(row["name"]) for row in item)
        overdue_works.append(OverdueWork(rule.what, rule.says, int(rows[0]["n"]), names))
    return overdue_works


class OverdueWorkPart(Part):
    """The methods of `Store` for overdue work."""

    async def overdue_work(self, now: datetime) -> list[OverdueWork]:
        """Overdue work."""
        return await self._engine.read(overdue_work, now)
