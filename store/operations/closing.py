"""Incidents are resolved; what they would still have run is revoked."""

from __future__ import annotations

from datetime import datetime

from bot.approvals.reasons import INCIDENT_RESOLVED
from bot.errors import Refused
from bot.incidents.model import Incident, Resolution
from bot.language import deferred
from bot.observability.events import Event
from store.log_events import log_event
from store.operations import approvals, cascades, incidents, stale, standing_advice
from store.operations.part import Part
from store.statements import Operation, execute, query, run, to_db_time


def resolve(incident_id: int, user: str, now: datetime) -> Operation[Incident]:
    """A person closes it, with its children."""
    yield from cascades.lock_with_children(incident_id)
    incident: Incident = yield from close(incident_id, by=user, now=now)
    return incident


_EVENT = {
    Resolution.CLEARED: deferred("Resolved: the alert cleared"),
    Resolution.PERSON: deferred("Resolved by hand"),
    Resolution.STALE: deferred("Closed as stale: no alert and no person said anything for long"),
}


def close(
    incident_id: int, *, by: str, now: datetime, resolution: Resolution = Resolution.CLEARED
) -> Operation[Incident]:
    """Resolve: by a person (their user id), or '' for the reason `resolution`.

    The caller holds the incident. A root waits for its open children, unless a person resolves all
    of them with it; it resolves with the last child if nothing of its own fires.
    """
    family = yield from cascades.lock_family(incident_id)
    if family.open_children and not by:
        yield from cascades.wait_for_children(incident_id, now)
        waiting: Incident = yield from incidents.get(incident_id)
        return waiting
    for child_id in family.open_children:
        yield from close_one(child_id, by, now)
    incident: Incident = yield from close_one(incident_id, by, now, resolution)
    if family.root_id and (yield from cascades.is_over(family.root_id)):
        yield from close_one(family.root_id, "", now, resolution)
    return incident


def close_one(
    incident_id: int, by: str, now: datetime, resolution: Resolution = Resolution.CLEARED
) -> Operation[Incident]:
    """Resolve this incident alone.

    What waits for approval, or is approved and not sent yet, is revoked: the incident that it was
    meant for is over. A child has no message of its own about it: the card of its root shows it.
    """
    resolution = Resolution.PERSON if by else resolution
    count = yield execute(
        "UPDATE incidents SET status = 'resolved', resolved_at = ?, resolved_by = ?,"
        " resolution = ?, firing = 0, flapping_changes = 0, muted_by = '', muted_until = '',"
        " updated_at = ?"
        " WHERE id = ? AND status IN ('open', 'acknowledged')",
        to_db_time(now),
        by,
        resolution,
        to_db_time(now),
        incident_id,
    )
    incident = yield from incidents.get(incident_id)
    if not count:
        raise Refused(
            deferred(
                "{number} is {status} already.", number=incident.number, status=incident.status
            )
        )
    yield run("DELETE FROM firing WHERE incident_id = ?", incident_id)
    rows = yield query(
        "SELECT a.id FROM approvals a LEFT JOIN executions e ON e.approval_id = a.id"
        " WHERE a.incident_id = ? AND (a.state = 'awaiting approval' OR e.state = 'approved')"
        " ORDER BY a.requested_at, a.id",
        incident_id,
    )
    for row in rows:
        approval = yield from approvals.get(row["id"])
        yield from approvals.end(approval, INCIDENT_RESOLVED, now, actor=by, incident=incident)
    yield log_event(
        Event.INCIDENT_RESOLVED, incident_id, actor=by or None, resolution=str(resolution)
    )
    yield from incidents.append_event(incident_id, now, "resolved", _EVENT[resolution], by)
    yield from incidents.show_card(incident_id, incident.channel, incident.severity, now)
    yield from stale.redraw(incident_id, now)
    yield from standing_advice.redraw(incident, now)
    if incident.parent_id is None:
        subject = yield from incidents.resolved_subject(incident_id)
        yield from incidents.reply(incident, "resolved", subject, now)
    return incident


class ClosingPart(Part):
    """The method of `Store` that resolves an incident for a person."""

    async def resolve(self, incident_id: int, user: str, now: datetime) -> Incident:
        """A person closes it; what was not sent yet is revoked. Refused when it is closed."""
        return await self._write(resolve, incident_id, user, now)
