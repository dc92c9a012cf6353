"""Whether a yes that stands in the store was ever said: asked of the audit trail before it runs.

Votes, states and digests are plain rows, which whoever may write to the database can write. Rows of
the trail take the key. Only those of the one approval are looked at: this is on the way of a click.
"""

from __future__ import annotations

import json

from bot.approvals.model import Approval
from store.operations import audit
from store.operations.audit import Kind
from store.proof import Row
from store.statements import Operation, query, stamp_or_none

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

_KINDS = (Kind.PROPOSED, Kind.VOTED, Kind.APPROVED, *_OVER)


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
    if over := [row.kind for row in rows if row.kind in _OVER]:
        return f"that it may run after {over[0]!r}"
    return ""


def _is_yes(row: Row) -> bool:
    return row.kind == Kind.VOTED and json.loads(row.detail)["choice"] == "approve"


def _digest(row: Row) -> object:
    return json.loads(row.detail).get("digest")
