"""The global freeze: while it stands nothing runs, whoever says yes."""

from __future__ import annotations

from datetime import datetime

from store.operations import audit, guards, incidents
from store.operations.audit import Kind
from store.statements import Operation, execute, lock, query, stamp


def set_on(user: str, reason: str, now: datetime) -> Operation[bool]:
    """Freeze; False when it is frozen already, by whoever said so first."""
    yield lock(guards.FREEZING)
    count = yield execute(
        "INSERT INTO freezes (name, actor, at, reason) VALUES ('all', ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        user,
        stamp(now),
        reason,
    )
    if count:
        yield from _show_waiting(now)
        yield from audit.record(
            Kind.FROZEN, now=now, subject="all", actor=user, detail={"why": reason}
        )
    return bool(count)


def lift(user: str, now: datetime) -> Operation[bool]:
    """Thaw; False when nothing is frozen."""
    count = yield execute("DELETE FROM freezes WHERE name = 'all'")
    if count:
        yield from _show_waiting(now)
        yield from audit.record(Kind.UNFROZEN, now=now, subject="all", actor=user)
    return bool(count)


def _show_waiting(now: datetime) -> Operation[None]:
    rows = yield query("SELECT id, incident_id FROM approvals WHERE state = 'awaiting approval'")
    for row in rows:
        incident = yield from incidents.get(row["incident_id"])
        yield from incidents.reply(incident, "approval", row["id"], now)
