"""Two symptoms of one service that take turns are one incident: A, B, and A again."""

from __future__ import annotations

from datetime import datetime

from bot.incidents.alternation import alternates
from bot.incidents.cascades import Member
from bot.language import deferred
from store.operations import cascade_growth, cascade_members, cascades, incidents
from store.statements import Operation, from_db_time, from_db_time_or_none, lock, query


def fold_in(incident_id: int, returning: Member, ended_at: str, now: datetime) -> Operation[None]:
    """Make the incidents that took turns with a reopened one its children.

    `ended_at` is when that one was resolved before. The caller holds the service. 1. Read the later
    roots of the service without children. 2. Lock those that took turns with it, and fold them.
    """
    rows = yield query(
        f"SELECT {cascade_members.MEMBER}, m.grew_at, m.resolved_at FROM incidents m"  # noqa: S608 - a constant
        " WHERE m.scope_service = ? AND m.id > ? AND m.parent_id IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM incidents c WHERE c.parent_id = m.id) ORDER BY m.id",
        returning.scope.service,
        incident_id,
    )
    for row in rows:
        other_ended_at = from_db_time_or_none(row["resolved_at"])
        other = cascade_members.member_from(row)
        if alternates(returning, from_db_time(ended_at), other, other_ended_at):
            yield lock(*{cascades.lock_key(incident_id), cascades.lock_key(other.id)})
            into = yield from incidents.get(incident_id)
            yield from cascade_growth.fold_root(other.id, into, now, deferred("the two took turns"))
