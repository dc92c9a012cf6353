"""The global freeze: while it is set no action runs, approved or not.

It stands twice: as a row of `freezes`, and on the audit trail. Whoever may write to the database
can delete the first; nothing is sent while the two disagree.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from bot.approvals.model import Freeze
from store.audit.proof import Row
from store.operations import audit, incidents, notices
from store.operations.audit import End, Kind
from store.statements import Operation, lock, moment, query, run, stamp

FREEZING = "freezing"
"""The lock of freezing and of sending: a sent request is on record before the freeze."""

NOTICE = "frozen"


def freeze(user: str, reason: str, channel: str, now: datetime) -> Operation[tuple[Freeze, bool]]:
    """(the freeze that stands, whether it is this one). A new one is announced in `channel`."""
    yield lock(FREEZING)
    standing: Freeze | None = yield from current()
    if standing is not None and not standing.disputed:
        return standing, False
    yield run(
        "INSERT INTO freezes (name, actor, at, reason) VALUES ('all', ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE"
        " SET actor = excluded.actor, at = excluded.at, reason = excluded.reason",
        user,
        stamp(now),
        reason,
    )
    yield from _show_waiting(now)
    body = {"by": user, "why": reason, "lifted_by": ""}
    yield from notices.tell(NOTICE, channel, body, now, over=False)
    yield from audit.record(Kind.FROZEN, now=now, subject="all", actor=user, detail={"why": reason})
    return Freeze(user, now, reason), True


def unfreeze(user: str, channel: str, now: datetime) -> Operation[Freeze | None]:
    """End the freeze and return it, with a notice to `channel`; None when nothing is frozen."""
    yield lock(FREEZING)
    standing: Freeze | None = yield from current()
    if standing is None:
        return None
    yield run("DELETE FROM freezes WHERE name = 'all'")
    yield from _show_waiting(now)
    body = {"by": standing.by, "why": standing.reason, "lifted_by": user}
    yield from notices.tell(NOTICE, channel, body, now, over=True)
    yield from audit.record(Kind.UNFROZEN, now=now, subject="all", actor=user)
    return standing


def current() -> Operation[Freeze | None]:
    """The freeze, while there is one by the store or by the audit trail."""
    freeze: Freeze | None = yield from of_trail((yield from audit.find_end()))
    return freeze


def of_trail(end: End) -> Operation[Freeze | None]:
    """The same, by the store or a trail with this end.

    It is `disputed` where the two disagree, and where the end of the trail is not genuine: then
    nobody can tell, and it holds.
    """
    rows = yield query("SELECT * FROM freezes WHERE name = 'all'")
    stored = Freeze(rows[0]["actor"], moment(rows[0]["at"]), rows[0]["reason"]) if rows else None
    head, genuine = end
    if head is None:
        genuine = not (yield query("SELECT 1 FROM audit LIMIT 1"))
    recorded: Freeze | None = yield from _recorded()
    if recorded is None and head is not None and genuine and audit.says_frozen(head):
        # Its own row was pruned or deleted, so the user is unknown.
        recorded = stored or Freeze("", moment(head.at), "")
    if stored is not None:
        disputed = recorded is None or not genuine
        return Freeze(stored.by, stored.at, stored.reason, disputed=disputed)
    if recorded is not None:
        return Freeze(recorded.by, recorded.at, recorded.reason, disputed=True)
    if not genuine:
        return Freeze("", moment(head.at) if head else datetime.now(UTC), "", disputed=True)
    return None


def _recorded() -> Operation[Freeze | None]:
    """The freeze that the last genuine row about freezing says."""
    found = yield query(
        # No incident: an index leads to them, however long the trail is.
        "SELECT * FROM audit WHERE incident_id IS NULL AND kind IN ('frozen', 'unfrozen')"
        " ORDER BY seq DESC"
    )
    for row in map(audit.row_from, found):
        if not (yield from audit.is_forged(row)):
            return _freeze_of(row) if row.kind == Kind.FROZEN else None
    return None


def _freeze_of(row: Row) -> Freeze:
    return Freeze(row.actor, moment(row.at), str(json.loads(row.detail).get("why", "")))


def _show_waiting(now: datetime) -> Operation[None]:
    rows = yield query("SELECT id, incident_id FROM approvals WHERE state = 'awaiting approval'")
    for row in rows:
        incident = yield from incidents.get(row["incident_id"])
        yield from incidents.show_approval(incident, row["id"], now)
