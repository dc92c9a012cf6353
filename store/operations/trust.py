"""Whether a yes that stands in the store was ever said: asked of the audit trail before it runs.

Votes, states and digests are plain rows, which whoever may write to the database can write. Rows of
the trail take the key. Only those of the one approval are looked at: this is on the way of a click.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from bot.approvals.model import Approval
from store.operations import audit
from store.operations.audit import Kind
from store.proof import Row
from store.statements import Operation, moment, query, stamp, stamp_or_none

REMEMBERED = timedelta(days=1)
"""The longest that a limit of the policy looks back: cool-downs, breakers, budgets."""

_OVER = (
    Kind.REJECTED,
    Kind.EXPIRED,
    Kind.REVOKED,
    Kind.ANSWER,
    Kind.OUTCOME_UNKNOWN,
    Kind.LOOKED_UP,
    Kind.MARKED_BY_HAND,
)
"""After one of these nothing is sent any more, whatever its state says."""

_KINDS = (Kind.PROPOSED, Kind.VOTED, Kind.APPROVED, Kind.TRIED_AGAIN, *_OVER)


def missing(approval: Approval) -> Operation[str]:
    """What of this yes the trail does not know, in words; '' when it knows all of it.

    That it was put before people as it is, each yes by who said it to that, and that it was
    approved by them, or by the policy alone, when it says. Rows that the key did not make are none.
    """
    found = yield query(
        "SELECT * FROM audit WHERE incident_id = ? AND subject = ?"  # noqa: S608 - placeholders
        f" AND kind IN ({', '.join('?' * len(_KINDS))}) ORDER BY seq",
        approval.incident_id,
        approval.id,
        *_KINDS,
    )
    rows: list[Row] = []
    for row in map(audit.row_from, found):
        if not (yield from audit.is_forged(row)):
            rows.append(row)
    if [_digest(row) for row in rows if row.kind == Kind.PROPOSED] != [approval.digest]:
        return "that this was proposed"
    yes = {row.actor for row in rows if _is_yes(row) and _digest(row) == approval.digest}
    for user in approval.said_yes:
        if user not in yes:
            return f"the yes of {user}"
    approved = [(row.at, _digest(row)) for row in rows if row.kind == Kind.APPROVED]
    if approved != [(stamp_or_none(approval.decided_at), approval.digest)]:
        return "that it was approved then"
    if over := _over(rows):
        return f"that it may run after {over!r}"
    return ""


def _over(rows: list[Row]) -> str:
    """Why nothing may be sent any more; '' when it may.

    What did not run, by the answer on record, may be sent when a person tries it again.
    """
    over, may_again = "", False
    for row in rows:
        if row.kind in _OVER:
            may_again = not over and json.loads(row.detail).get("not_run") == "yes"
            over = over or row.kind
        elif row.kind == Kind.TRIED_AGAIN and may_again:
            over, may_again = "", False
    return over


def lost_requests(now: datetime) -> Operation[list[str]]:
    """The approvals whose request is on record of late, and whose execution the limits cannot see.

    Cool-down, breaker, budget and the busy target are counted over executions, with their approval
    and incident. Deleting one of these, or setting its start back, would loosen the limits.
    """
    found = yield query(
        "SELECT t.*, (SELECT e.started_at FROM executions e"
        " JOIN approvals a ON a.id = e.approval_id JOIN incidents i ON i.id = e.incident_id"
        " WHERE e.approval_id = t.subject) AS started_at"
        " FROM audit t WHERE t.kind = 'request' AND t.at > ? ORDER BY t.seq",
        stamp(now - REMEMBERED),
    )
    lost = []
    for each in found:
        row = audit.row_from(each)
        begun = each["started_at"]
        if begun is not None and moment(begun) >= moment(row.at) - audit.SKEW:
            continue
        if not (yield from audit.is_forged(row)):
            lost.append(row.subject)
    return lost


def _is_yes(row: Row) -> bool:
    return row.kind == Kind.VOTED and json.loads(row.detail)["choice"] == "approve"


def _digest(row: Row) -> object:
    return json.loads(row.detail).get("digest")
