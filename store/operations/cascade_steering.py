"""A person splits an incident from its cascade, or merges it into another one.

Each is stored with the decision that it corrects, so that a rule can be proposed from it later. The
rules never fold into each other what a person has split.
"""

from __future__ import annotations

from datetime import datetime

from bot.errors import Refused
from bot.incidents.cascades import Calls
from bot.incidents.model import Incident, IncidentChange, IncidentStatus
from bot.language import deferred
from store.operations import cascade_growth, cascades, closing, incidents
from store.operations.part import Part
from store.statements import Operation, lock, query, run, to_db_time


def split(incident_id: int, user: str, calls: Calls, now: datetime) -> Operation[IncidentChange]:
    """Make a child a root again, with a card of its own. `changed` is False if it is a root.

    1. Lock the incident and its cascade. 2. Update it; a card that it had comes back in its place.
    3. Store the correction, the event and the replies. 4. Find the cause of the other members; the
    root resolves if nothing of it fires and no child is open. 5. Enqueue both cards, and the advice
    and proposals of its own SOP.
    """
    yield from incidents.lock_incident(incident_id)
    family = yield from cascades.lock_family(incident_id)
    before = yield from incidents.get(incident_id)
    _check_open(before)
    if family.root_id is None:
        return IncidentChange(before, changed=False)
    root = yield from incidents.get(family.root_id)
    yield from _detach(incident_id, now)
    incident = yield from incidents.get(incident_id)
    yield from _record("split", incident_id, root.id, user, now)
    yield from incidents.show_card(incident_id, incident.channel, incident.severity, now)
    yield from cascade_growth.respond(incident, now)
    text = deferred("Split from {number} by @{user}", number=root.number, user=user)
    yield from incidents.append_and_reply(incident, now, "split", text, user)
    text = deferred(
        "{number} was split from this incident by @{user}", number=incident.number, user=user
    )
    yield from incidents.append_and_reply(root, now, "split", text, user)
    yield from cascade_growth.find_cause(root.id, calls, now)
    yield from incidents.show_card(root.id, root.channel, root.severity, now)
    if (yield from cascades.is_over(root.id)):
        yield from closing.close_one(root.id, "", now)
    return IncidentChange(incident, changed=True)


def leave_resolved_root(incident_id: int, now: datetime) -> Operation[None]:
    """Make a child whose root is resolved a root, because the child is reopened now.

    A cascade is not reopened by one of its parts. The caller holds the incident. 1. Lock its
    cascade. 2. Update it. 3. Enqueue its advice and proposals: as a child it had none.
    """
    family = yield from cascades.lock_family(incident_id)
    if family.root_id is None:
        return
    root = yield from incidents.get(family.root_id)
    if root.status is not IncidentStatus.RESOLVED:
        return
    yield from _detach(incident_id, now)
    yield from cascade_growth.respond((yield from incidents.get(incident_id)), now)


def _detach(incident_id: int, now: datetime) -> Operation[None]:
    """Make it a root; its card comes back where it was, or is posted in its channel."""
    yield run(
        "UPDATE incidents SET parent_id = NULL, updated_at = ?, channel = COALESCE("
        "(SELECT o.channel FROM outbox o WHERE o.key = 'card:' || incidents.id), channel)"
        " WHERE id = ?",
        to_db_time(now),
        incident_id,
    )
    yield run("UPDATE incidents SET cause_id = NULL WHERE cause_id = ?", incident_id)


def merge(
    incident_id: int, into_id: int, user: str, calls: Calls, now: datetime
) -> Operation[IncidentChange]:
    """Make a root, with its children, children of another incident or of its root.

    `changed` is False if they are one cascade already. 1. Lock both incidents, then both cascades.
    2. Refused unless both are open, and the first is a root. 3. Fold it. 4. Store the correction,
    the event and the reply. 5. Find the cause, and enqueue the card.
    """
    yield from _lock_both(incident_id, into_id)
    target = yield from incidents.get(into_id)
    root_id = target.parent_id or into_id
    yield lock(*{cascades.lock_key(incident_id), cascades.lock_key(root_id)})
    incident = yield from incidents.get(incident_id)
    root = yield from incidents.get(root_id)
    if incident.id == root.id or incident.parent_id == root.id:
        return IncidentChange(incident, changed=False)
    _check_open(incident)
    _check_open(root)
    if incident.parent_id is not None or root.parent_id is not None:
        number = f"INC-{incident.parent_id or root.parent_id}"
        raise Refused(
            deferred("{number} is a child of {root}.", number=incident.number, root=number),
            remedy=deferred("`/incident split {number}` first.", number=incident.number),
        )
    yield from _record("merge", incident_id, root.id, user, now)
    yield from cascade_growth.fold_root(
        incident_id, root, now, deferred("merged by @{user}", user=user)
    )
    yield run(
        "UPDATE incidents SET grew_at = CASE WHEN grew_at < (SELECT c.grew_at FROM incidents c"
        " WHERE c.id = ?) THEN (SELECT c.grew_at FROM incidents c WHERE c.id = ?) ELSE grew_at END"
        " WHERE id = ?",
        incident_id,
        incident_id,
        root.id,
    )
    text = deferred(
        "{number} was merged into this incident by @{user}", number=incident.number, user=user
    )
    yield from incidents.append_and_reply(root, now, "merged", text, user)
    yield from cascade_growth.find_cause(root.id, calls, now)
    yield from incidents.show_card(root.id, root.channel, incident.severity, now)
    return IncidentChange((yield from incidents.get(incident_id)), changed=True)


def _lock_both(incident_id: int, into_id: int) -> Operation[None]:
    rows = yield query(
        "SELECT id, scope_service FROM incidents WHERE id IN (?, ?)", incident_id, into_id
    )
    for number in (incident_id, into_id):
        if number not in {row["id"] for row in rows}:
            raise incidents.unknown(number)
    yield lock(*{incidents.lock_key(row["scope_service"]) for row in rows})


def _check_open(incident: Incident) -> None:
    if incident.status is IncidentStatus.RESOLVED:
        raise Refused(
            deferred("{number} is {status}.", number=incident.number, status=incident.status)
        )


def _record(kind: str, incident_id: int, root_id: int, user: str, now: datetime) -> Operation[None]:
    yield run(
        "INSERT INTO cascade_corrections (kind, incident_id, root_id, decision, actor, at)"
        " VALUES (?, ?, ?, COALESCE((SELECT decision FROM alerts WHERE incident_id = ?"
        " ORDER BY id LIMIT 1), ''), ?, ?)",
        kind,
        incident_id,
        root_id,
        incident_id,
        user,
        to_db_time(now),
    )


class CascadeSteeringPart(Part):
    """The methods of `Store` for what people correct in cascades."""

    async def split(self, incident_id: int, user: str, now: datetime) -> IncidentChange:
        """Make a child a root of its own. `changed` is False if it is one. Refused if resolved."""
        calls = self.config.current.calls
        return await self._write(split, incident_id, user, calls, now)

    async def merge(
        self, incident_id: int, into_id: int, user: str, now: datetime
    ) -> IncidentChange:
        """Make a root, with its children, a part of another incident. Refused unless both are open,
        and if it is a part already.
        """
        calls = self.config.current.calls
        return await self._write(merge, incident_id, into_id, user, calls, now)
