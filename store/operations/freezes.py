"""The global freeze: while it is set no action runs, approved or not.

It is stored twice: as a row of `freezes`, and on the audit trail. Somebody who can write to the
database can delete the first; nothing is sent while the two disagree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import UTC, datetime

from bot.approvals.model import Freeze
from store.audit.proof.rows import HEAD, Anchor, Row
from store.operations import audit, incidents, notices, trail_end
from store.operations.audit_kinds import Kind
from store.operations.part import Part
from store.operations.trail_end import End
from store.statements import Operation, from_db_time, lock, query, run, to_db_time

FREEZING = "freezing"
"""The lock of freezing and of sending: a sent request is on record before the freeze."""

NOTICE = "frozen"


def freeze(user: str, reason: str, channel: str, now: datetime) -> Operation[tuple[Freeze, bool]]:
    """Freeze, and return (the freeze in force, whether it is this one).

    1. Wait for a request that is being sent.
    2. Keep a freeze that is in force.
    3. Store the freeze.
    4. Show it on the cards of waiting approvals.
    5. Enqueue the notice to `channel`.
    6. Record it in the audit trail.
    """
    yield lock(FREEZING)
    current_freeze: Freeze | None = yield from current()
    if current_freeze is not None and not current_freeze.disputed:
        return current_freeze, False
    yield run(
        "INSERT INTO freezes (name, actor, at, reason) VALUES ('all', ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE"
        " SET actor = excluded.actor, at = excluded.at, reason = excluded.reason",
        user,
        to_db_time(now),
        reason,
    )
    yield from show_waiting(now)
    body = {"by": user, "why": reason, "lifted_by": ""}
    yield from notices.upsert_notice(NOTICE, channel, body, now, over=False)
    yield from audit.record(Kind.FROZEN, now=now, subject="all", actor=user, detail={"why": reason})
    return Freeze(user, now, reason), True


def unfreeze(user: str, channel: str, now: datetime) -> Operation[Freeze | None]:
    """End the freeze and return it; None when nothing is frozen.

    1. Wait for a request that is being sent.
    2. Delete the freeze.
    3. Show that on the cards of waiting approvals.
    4. End its notice in `channel`.
    5. Record it in the audit trail.
    """
    yield lock(FREEZING)
    current_freeze: Freeze | None = yield from current()
    if current_freeze is None:
        return None
    yield run("DELETE FROM freezes WHERE name = 'all'")
    yield from show_waiting(now)
    body = {"by": current_freeze.by, "why": current_freeze.reason, "lifted_by": user}
    yield from notices.upsert_notice(NOTICE, channel, body, now, over=True)
    yield from audit.record(Kind.UNFROZEN, now=now, subject="all", actor=user)
    return current_freeze


def current() -> Operation[Freeze | None]:
    """Return the freeze, if there is one by the store or by the audit trail."""
    freeze, _ = yield from with_end()
    return freeze


def with_end() -> Operation[tuple[Freeze | None, End]]:
    """Return the freeze by the store or by the audit trail, and the end of the trail.

    The freeze is `disputed` if the two disagree or the end of the trail is not genuine: then it is
    unknown whether there is one, and it counts as one. Both are read in one statement: a freeze
    that another replica ends between two statements would still be in one of them.
    """
    rows = [tuple(row) for row in (yield query(_STANDING))]
    name, *of_freeze = rows[0][_ANCHOR:_TURN]
    stored = Freeze(of_freeze[0], from_db_time(of_freeze[1]), of_freeze[2]) if name else None
    end = yield from trail_end.end_of(Anchor(*rows[0][:_ANCHOR]) if rows[0][0] else None)
    head, genuine = end
    if head is None:
        genuine = not (yield query("SELECT 1 FROM audit LIMIT 1"))
    recorded: Freeze | None = yield from _recorded(
        [Row(*row[_TURN:]) for row in rows if row[_TURN] is not None]
    )
    if recorded is None and head is not None and genuine and trail_end.says_frozen(head):
        # Its own row was pruned or deleted, so the user is unknown.
        recorded = stored or Freeze("", from_db_time(head.at), "")
    freeze = None
    if stored is not None:
        disputed = recorded is None or not genuine
        freeze = replace(stored, disputed=disputed)
    elif recorded is not None:
        freeze = replace(recorded, disputed=True)
    elif not genuine:
        freeze = Freeze("", from_db_time(head.at) if head else datetime.now(UTC), "", disputed=True)
    return freeze, end


# No incident: an index leads to the rows about freezing, however long the trail is.
_STANDING = f"""
SELECT {", ".join(f"h.{field.name}" for field in fields(Anchor))},
    f.name, f.actor, f.at, f.reason, {", ".join(f"t.{field.name}" for field in fields(Row))}
FROM (SELECT 1 AS one_row) AS always
LEFT JOIN audit_anchors h ON h.name = '{HEAD}'
LEFT JOIN freezes f ON f.name = 'all'
LEFT JOIN audit t ON t.incident_id IS NULL AND t.kind IN ('frozen', 'unfrozen')
ORDER BY t.seq DESC
"""  # noqa: S608 - constants
_ANCHOR = len(fields(Anchor))
_TURN = _ANCHOR + 4


def _recorded(rows: Iterable[Row]) -> Operation[Freeze | None]:
    """Return the freeze by the last genuine row of these rows about freezing."""
    for row in rows:
        if not (yield from trail_end.is_forged(row)):
            return _freeze_of(row) if row.kind == Kind.FROZEN else None
    return None


def _freeze_of(row: Row) -> Freeze:
    return Freeze(row.actor, from_db_time(row.at), str(json.loads(row.detail).get("why", "")))


def show_waiting(now: datetime) -> Operation[None]:
    """Enqueue the cards of all approvals that wait for a vote."""
    rows = yield query("SELECT id, incident_id FROM approvals WHERE state = 'awaiting approval'")
    for row in rows:
        incident = yield from incidents.get(row["incident_id"])
        yield from incidents.show_approval(incident, row["id"], now)


class FreezesPart(Part):
    """The methods of `Store` for the global freeze."""

    async def freeze(
        self, user: str, reason: str, now: datetime, *, channel: str
    ) -> tuple[Freeze, bool]:
        """Let no replica claim from now on; the same commit enqueues the notice to `channel`.

        Returns the freeze in force, and whether it is this one.
        """
        return await self._write(freeze, user, reason, channel, now)

    async def unfreeze(self, user: str, now: datetime, *, channel: str) -> Freeze | None:
        """End the freeze and return it, with a notice to `channel`; None if there was none."""
        return await self._write(unfreeze, user, channel, now)

    async def frozen(self) -> Freeze | None:
        """Return the freeze, if there is one, by the store or by the audit trail."""
        return await self._read_sealed(current)
