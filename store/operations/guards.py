"""What keeps a remediation from running although somebody said yes, and what to do about it.

Asked when it is proposed and when somebody votes, so that the person hears it; and once more in the
transaction that claims the dispatch, which is what counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.approvals.limits import Limits
from bot.approvals.model import Approval, Freeze
from store.statements import Operation, Row, moment, query, stamp

HOUR = timedelta(hours=1)
FREEZING = "freezing"
"""Held by who freezes and by who sends: what is sent was on record before the freeze was."""


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why it may not run now, and what to do."""

    why: str
    remedy: str

    def __str__(self) -> str:
        """As the reason on a card, where people stand as `@U…`."""
        return re.sub(r"<@(\w+)>", r"@\1", f"{self.why}. {self.remedy}")


def hindrance(
    approval: Approval, sop_id: str, limits: Limits, now: datetime
) -> Operation[Hindrance | None]:
    """What stands in its way. Nothing but a freeze and a busy target holds up an undo."""
    for check in (
        frozen(),
        _repeated(approval),
        _busy(approval),
        _cooling(approval, limits, now),
        _tripped(approval, sop_id, limits, now),
        _over_budget(approval, sop_id, limits, now),
    ):
        found: Hindrance | None = yield from check
        if found:
            return found
    return None


def hopeless(
    approval: Approval, sop_id: str, limits: Limits, now: datetime
) -> Operation[Hindrance | None]:
    """What makes it useless even to propose it: waiting for a yes changes nothing about it."""
    found: Hindrance | None = yield from _repeated(approval)
    if found is None:
        found = yield from _tripped(approval, sop_id, limits, now)
    return found


def frozen() -> Operation[Hindrance | None]:
    """Somebody froze everything."""
    now: Freeze | None = yield from freeze()
    if now is None:
        return None
    why = f" ({now.reason})" if now.reason else ""
    return Hindrance(
        f"everything is frozen by <@{now.by}>{why}", "An approver lifts it: `/incident freeze off`."
    )


def freeze() -> Operation[Freeze | None]:
    """The freeze, while there is one."""
    rows = yield query("SELECT * FROM freezes WHERE name = 'all'")
    return Freeze(rows[0]["actor"], moment(rows[0]["at"]), rows[0]["reason"]) if rows else None


# Of another approval, and something reached the gateway for it, as far as anybody knows.
_OTHERS = (
    " FROM executions e JOIN approvals a ON a.id = e.approval_id"
    " JOIN incidents i ON i.id = e.incident_id"
    " WHERE e.approval_id != ? AND e.started_at IS NOT NULL AND e.state != 'revoked'"
    " AND NOT (e.state = 'failed' AND e.answer IS NULL)"
)


def _repeated(approval: Approval) -> Operation[Hindrance | None]:
    """It did not help here before."""
    if approval.undoes:
        return None
    rows = yield query(
        "SELECT 1" + _OTHERS + " AND e.incident_id = ? AND a.action_id = ? AND a.target = ?"
        " AND e.state IN ('not verified', 'undone') LIMIT 1",
        approval.id,
        approval.incident_id,
        approval.proposal.action_id,
        approval.proposal.target,
    )
    if not rows:
        return None
    title = approval.proposal.title
    return Hindrance(
        f"{title} did not help in this incident before", "Try something else, or do it by hand."
    )


def _busy(approval: Approval) -> Operation[Hindrance | None]:
    """One action a target at a time; of an unknown outcome nobody knows that it ended."""
    rows = yield query(
        "SELECT e.state, e.incident_id" + _OTHERS + " AND a.target = ?"
        " AND e.state IN ('dispatching', 'outcome unknown') LIMIT 1",
        approval.id,
        approval.proposal.target,
    )
    if not rows:
        return None
    target, number = approval.proposal.target, f"INC-{rows[0]['incident_id']}"
    if rows[0]["state"] == "dispatching":
        return Hindrance(
            f"another action is running on {target} ({number})", "Propose it again once that ended."
        )
    return Hindrance(
        f"what became of another action on {target} is not known ({number})",
        "Press Check again, Mark done by hand or It did not run there.",
    )


def _cooling(approval: Approval, limits: Limits, now: datetime) -> Operation[Hindrance | None]:
    """Its target was acted on a moment ago."""
    pause = limits.cooldowns.get(approval.proposal.action_id, timedelta())
    if approval.undoes or not pause:
        return None
    rows = yield query(
        "SELECT MAX(e.started_at) AS at" + _OTHERS + " AND a.target = ?",
        approval.id,
        approval.proposal.target,
    )
    if not rows[0]["at"] or moment(rows[0]["at"]) + pause <= now:
        return None
    ends = moment(rows[0]["at"]) + pause
    return Hindrance(
        f"{approval.proposal.target} cools down until {ends:%H:%M:%S} UTC",
        "Press again after that, or propose it again.",
    )


def _tripped(
    approval: Approval, sop_id: str, limits: Limits, now: datetime
) -> Operation[Hindrance | None]:
    """This SOP's remediations failed too often since one last helped."""
    if approval.undoes:
        return None
    rows: list[Row] = yield query(
        "SELECT e.started_at AS at"  # noqa: S608 - constants
        + _OTHERS
        + " AND i.sop_id = ?"
        " AND e.state IN ('failed', 'not verified', 'undone', 'outcome unknown')"
        " AND e.started_at > ? AND e.started_at > COALESCE((SELECT MAX(v.started_at)"
        " FROM executions v JOIN incidents w ON w.id = v.incident_id"
        " WHERE w.sop_id = ? AND v.state = 'verified'), '')"
        " ORDER BY e.started_at DESC",
        approval.id,
        sop_id,
        stamp(now - limits.breaker_span),
        sop_id,
    )
    if len(rows) < limits.breaker_failures:
        return None
    ends = moment(rows[limits.breaker_failures - 1]["at"]) + limits.breaker_span
    return Hindrance(
        f"the last {len(rows)} remediations of {sop_id} failed: its breaker is open until"
        f" {ends:%H:%M} UTC",
        "Look into it by hand; the SOP may be wrong.",
    )


def _over_budget(
    approval: Approval, sop_id: str, limits: Limits, now: datetime
) -> Operation[Hindrance | None]:
    """As many as may run within an hour have run: over everything, of its SOP, on its target."""
    if approval.undoes:
        return None
    target = approval.proposal.target
    rows = yield query(
        "SELECT COUNT(*) AS everything,"
        " COALESCE(SUM(CASE WHEN i.sop_id = ? THEN 1 ELSE 0 END), 0) AS of_sop,"
        " COALESCE(SUM(CASE WHEN a.target = ? THEN 1 ELSE 0 END), 0) AS on_target"
        + _OTHERS
        + " AND e.started_at > ?",
        sop_id,
        target,
        approval.id,
        stamp(now - HOUR),
    )
    ran = rows[0]
    for count, limit, where, key in (
        (ran["everything"], limits.hourly_budget, "", "hourly_budget"),
        (ran["of_sop"], limits.hourly_budget_per_sop, f" of {sop_id}", "hourly_budget_per_sop"),
        (
            ran["on_target"],
            limits.hourly_budget_per_target,
            f" on {target}",
            "hourly_budget_per_target",
        ),
    ):
        if count >= limit:
            return Hindrance(
                f"{count} remediations{where} ran within the last hour,"
                " as many as the policy allows",
                f"Wait, or raise remediate.{key}.",
            )
    return None
