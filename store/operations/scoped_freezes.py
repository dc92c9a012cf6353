"""The freeze of one incident or of one target: no action of that scope runs, approved or not.

As the freeze of everything it is stored twice: as a row of `freezes`, whose name is the scope, and
on the audit trail. It holds while either of the two says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from bot.approvals import freeze_scopes
from bot.approvals.model import Freeze
from bot.language import deferred
from store.operations import audit, incidents, trail_end
from store.operations.audit_kinds import Kind
from store.operations.freezes import FREEZING, show_waiting
from store.operations.part import Part
from store.statements import Operation, from_db_time, lock, query, run, to_db_time, together

MOST = 500  # rows of the trail about scopes, the newest; an older freeze is a row of `freezes`


def freeze(scope: str, user: str, reason: str, now: datetime) -> Operation[tuple[Freeze, bool]]:
    """Freeze the scope, and return (the freeze in force, whether it is this one).

    1. Lock the incident, if it is the scope, and wait for a request that is being sent. 2. Keep a
    freeze that is in force. 3. Store the freeze. 4. Show it on the cards of waiting approvals, and
    in the thread of the incident. 5. Record it in the audit trail.
    """
    incident_id = freeze_scopes.incident_of(scope)
    if incident_id is not None:
        yield from incidents.lock_incident(incident_id)
    yield lock(FREEZING)
    in_force: Mapping[str, Freeze] = yield from current()
    if scope in in_force:
        return in_force[scope], False
    yield run(
        "INSERT INTO freezes (name, actor, at, reason) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE"
        " SET actor = excluded.actor, at = excluded.at, reason = excluded.reason",
        scope,
        user,
        to_db_time(now),
        reason,
    )
    yield from show_waiting(now)
    text = deferred("Its actions were frozen by @{user}", user=user)
    if reason:
        text = deferred("Its actions were frozen by @{user}: {reason}", user=user, reason=reason)
    yield from _say(incident_id, "frozen", text, user, now)
    yield from audit.record(
        Kind.SCOPE_FROZEN, now=now, subject=scope, actor=user, detail={"why": reason}
    )
    return Freeze(user, now, reason), True


def unfreeze(scope: str, user: str, now: datetime) -> Operation[Freeze | None]:
    """End the freeze of the scope and return it; None when the scope is not frozen.

    The steps are those of `freeze`.
    """
    incident_id = freeze_scopes.incident_of(scope)
    if incident_id is not None:
        yield from incidents.lock_incident(incident_id)
    yield lock(FREEZING)
    in_force: Mapping[str, Freeze] = yield from current()
    if scope not in in_force:
        return None
    yield run("DELETE FROM freezes WHERE name = ?", scope)
    yield from show_waiting(now)
    yield from _say(
        incident_id,
        "unfrozen",
        deferred("Its actions were unfrozen by @{user}", user=user),
        user,
        now,
    )
    yield from audit.record(Kind.SCOPE_UNFROZEN, now=now, subject=scope, actor=user)
    return in_force[scope]


def _say(
    incident_id: int | None, kind: str, text: str, user: str, now: datetime
) -> Operation[None]:
    if incident_id is None:
        return
    incident = yield from incidents.get(incident_id)
    yield from incidents.append_and_reply(incident, now, kind, text, user)
    yield from incidents.show_card(incident.id, incident.channel, incident.severity, now)


def current() -> Operation[dict[str, Freeze]]:
    """Return the freezes in force by their scope: by the store, or by the audit trail."""
    stored, recorded = yield from together(
        query("SELECT name, actor, at, reason FROM freezes WHERE name != 'all' ORDER BY at"),
        query(
            "SELECT * FROM audit WHERE incident_id IS NULL"
            " AND kind IN ('scope frozen', 'scope unfrozen') ORDER BY seq DESC LIMIT ?",
            MOST,
        ),
    )
    by_trail: dict[str, Freeze | None] = {}
    for row in map(trail_end.row_from, recorded):
        if row.subject not in by_trail and not (yield from trail_end.is_forged(row)):
            why = str(json.loads(row.detail).get("why", ""))
            is_frozen = row.kind == Kind.SCOPE_FROZEN
            freeze = Freeze(row.actor, from_db_time(row.at), why) if is_frozen else None
            by_trail[row.subject] = freeze
    by_store = {
        row["name"]: Freeze(row["actor"], from_db_time(row["at"]), row["reason"]) for row in stored
    }
    return {scope: freeze for scope, freeze in by_trail.items() if freeze} | by_store


class ScopedFreezesPart(Part):
    """The methods of `Store` for the freezes of incidents and targets."""

    async def freeze_scope(
        self, scope: str, user: str, reason: str, now: datetime
    ) -> tuple[Freeze, bool]:
        """Let no replica claim an action of this scope from now on; NotFound without the incident.

        Returns the freeze in force, and whether it is this one.
        """
        return await self._write(freeze, scope, user, reason, now)

    async def unfreeze_scope(self, scope: str, user: str, now: datetime) -> Freeze | None:
        """End the freeze of the scope and return it; None if there was none."""
        return await self._write(unfreeze, scope, user, now)

    async def frozen_scopes(self) -> dict[str, Freeze]:
        """Return the freezes of incidents and targets, by the store or by the audit trail."""
        return await self._read_sealed(current)
