"""Mutes: the thread of one incident stays quiet until it clears, gets worse, or a time.

The card still changes, and answers to people are still posted. A cascade has one thread, so its
root is muted.
"""

from __future__ import annotations

from datetime import datetime

from bot.errors import Refused
from bot.incidents.model import Incident, IncidentChange, IncidentStatus
from bot.language import deferred
from store.operations import cascades, incidents
from store.operations.part import Part
from store.statements import Operation, execute, lock, query, run, to_db_time, to_db_time_or_none


def mute(
    incident_id: int, user: str, until: datetime | None, now: datetime
) -> Operation[IncidentChange]:
    """Mute an open incident, or change until when. Refused when it is resolved.

    1. Lock its root, and read it. 2. Update it. 3. Append the event, and enqueue the card.
    """
    root = yield from _locked_root(incident_id)
    if root.status not in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED):
        raise Refused(
            deferred(
                "{number} is {status}: there is nothing to mute.",
                number=root.number,
                status=root.status,
            )
        )
    changed = root.mute is None or (root.mute.by, root.mute.until) != (user, until)
    if not changed:
        return IncidentChange(root, changed=False)
    yield run(
        "UPDATE incidents SET muted_by = ?, muted_until = ? WHERE id = ?",
        user,
        to_db_time_or_none(until) or "",
        root.id,
    )
    text = deferred("Muted until it clears")
    if until:
        text = deferred("Muted until {until} UTC", until=to_db_time(until)[:16])
    yield from incidents.append_event(root.id, now, "muted", text, user)
    yield from incidents.show_card(root.id, root.channel, root.severity, now)
    return IncidentChange((yield from incidents.get(root.id)), changed=True)


def unmute(incident_id: int, text: str, now: datetime, user: str = "") -> Operation[IncidentChange]:
    """End the mute of an incident's thread; `text` says why. `changed` is False without a mute.

    The caller holds the incident.
    """
    root = yield from _root_of((yield from incidents.get(incident_id)))
    count = yield execute(
        "UPDATE incidents SET muted_by = '', muted_until = '' WHERE id = ? AND muted_by != ''",
        root.id,
    )
    if not count:
        return IncidentChange(root, changed=False)
    yield from incidents.append_event(root.id, now, "unmuted", text, user)
    yield from incidents.show_card(root.id, root.channel, root.severity, now)
    return IncidentChange((yield from incidents.get(root.id)), changed=True)


def unmute_due(now: datetime) -> Operation[int]:
    """End each mute whose time is over, one lock after the other. Returns how many ended."""
    rows = yield query(
        "SELECT id FROM incidents WHERE muted_by != '' AND muted_until != '' AND muted_until <= ?"
        " ORDER BY id",
        to_db_time(now),
    )
    count = 0
    for row in rows:
        yield from _locked_root(row["id"])
        change = yield from unmute(row["id"], deferred("Mute ended: its time is over"), now)
        count += change.changed
    return count


def _root_of(incident: Incident) -> Operation[Incident]:
    if incident.parent_id is None:
        return incident
    root: Incident = yield from incidents.get(incident.parent_id)
    return root


def _locked_root(incident_id: int) -> Operation[Incident]:
    """Hold the root of an incident, in the order that `cascades` says, and read it."""
    root = yield from _root_of((yield from incidents.get(incident_id)))
    yield from incidents.lock_incident(root.id)
    yield lock(cascades.lock_key(root.id))
    held: Incident = yield from incidents.get(root.id)
    return held


def unmute_by_person(incident_id: int, user: str, now: datetime) -> Operation[IncidentChange]:
    """A person ends the mute."""
    root = yield from _locked_root(incident_id)
    return (yield from unmute(root.id, deferred("Mute ended"), now, user))


class MutesPart(Part):
    """The methods of `Store` for the mutes of incidents."""

    async def mute(
        self, incident_id: int, user: str, until: datetime | None, now: datetime
    ) -> IncidentChange:
        """Keep its thread quiet until then, or until it clears. Refused when it is resolved."""
        return await self._write(mute, incident_id, user, until, now)

    async def unmute(self, incident_id: int, user: str, now: datetime) -> IncidentChange:
        """End the mute; `changed` is False when it was not muted."""
        return await self._write(unmute_by_person, incident_id, user, now)

    async def end_mutes(self, now: datetime) -> int:
        """End the mutes whose time is over; says how many."""
        return await self._write(unmute_due, now)
