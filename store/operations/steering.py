"""A person steers an incident: acknowledges, assigns or reopens it."""

from __future__ import annotations

from datetime import datetime

from bot.errors import Refused, SubmitAgain
from bot.incidents.edits import seen_owner
from bot.incidents.keys import sop_id_of
from bot.incidents.model import Incident, IncidentChange, IncidentStatus
from bot.language import N_, deferred
from bot.observability.events import Event
from store.log_events import log_event
from store.operations import cascade_steering, incidents, standing_advice
from store.operations.part import Part
from store.statements import Operation, execute, query, run, to_db_time


def acknowledge(incident_id: int, user: str, now: datetime) -> Operation[IncidentChange]:
    """Acknowledge an open incident, or one without an owner: its sender acknowledged it.

    An earlier acknowledgement keeps its owner. It ends an escalation to this person, though.

    1. Update the incident if it is open. 2. End the escalation. 3. Append the event. 4. Enqueue the
    card.
    """
    count = yield execute(
        "UPDATE incidents SET status = 'acknowledged', acknowledged_at = ?, acknowledged_by = ?,"
        " updated_at = ? WHERE id = ? AND (status = 'open'"
        " OR (status = 'acknowledged' AND acknowledged_by = ''))",
        to_db_time(now),
        user,
        to_db_time(now),
        incident_id,
    )
    incident = yield from incidents.get(incident_id)
    has_answered = yield from _end_escalation(incident, user, now)
    if not count:
        check_open(incident, N_("there is nothing to acknowledge"))
        if has_answered:
            yield from incidents.show_card(incident_id, incident.channel, incident.severity, now)
        former = incident.acknowledged_by
        return IncidentChange(incident, changed=has_answered, former=former)
    yield from incidents.append_event(
        incident_id, now, "acknowledged", deferred("Acknowledged"), user
    )
    yield log_event(Event.INCIDENT_ACKNOWLEDGED, incident_id, actor=user)
    yield from incidents.show_card(incident_id, incident.channel, incident.severity, now)
    return IncidentChange(incident, changed=True)


def assign(
    incident_id: int, assignee: str, by: str, now: datetime, seen: str | None = None
) -> Operation[IncidentChange]:
    """Make the assignee the owner; the thread mentions the previous owner too.

    1. Lock the incident, and read it. 2. SubmitAgain if its owner is not the one that the person
    saw. 3. Update it. 4. Append the event, and enqueue the reply. 5. Enqueue the card.
    """
    yield from incidents.lock_incident(incident_id)
    before = yield from incidents.get(incident_id)
    check_open(before, N_("there is nothing to assign"))
    former = before.acknowledged_by
    if seen is not None and seen_owner(before) != seen and former != assignee:
        raise SubmitAgain(
            deferred(
                "Not done yet: the owner of {number} became {person} while this box was open.",
                number=before.number,
                person=f"<@{former}>",
            ),
            remedy=deferred(
                "Submit once more to assign it to {person}, or close the box to leave it.",
                person=f"<@{assignee}>",
            ),
            seen=seen_owner(before),
        )
    if by == assignee:
        yield from _end_escalation(before, by, now)
    if former == assignee:
        return IncidentChange(before, changed=False, former=former)
    yield run(
        "UPDATE incidents SET status = 'acknowledged', acknowledged_at = ?, acknowledged_by = ?,"
        " updated_at = ? WHERE id = ?",
        to_db_time(now),
        assignee,
        to_db_time(now),
        incident_id,
    )
    text = deferred("Assigned to @{assignee} by @{by}", assignee=assignee, by=by)
    if by == assignee:
        text = deferred("Taken over by @{assignee}", assignee=assignee)
    if former:
        text = deferred("{text}; it was @{former}'s", text=text, former=former)
    yield from incidents.append_and_reply(before, now, "assigned", text, by)
    yield log_event(Event.INCIDENT_ACKNOWLEDGED, incident_id, actor=assignee)
    yield from incidents.show_card(incident_id, before.channel, before.severity, now)
    return IncidentChange((yield from incidents.get(incident_id)), changed=True, former=former)


def reopen(incident_id: int, user: str, now: datetime) -> Operation[IncidentChange]:
    """Reopen a resolved incident, without an owner. `changed` is False if it is not resolved.

    1. Lock the incident, and read it. 2. Refused while another one of its SOP and place is open:
    there is one of them. A SOP ID that is made of the incident key is no SOP: then the category
    counts too. 3. Update it. 4. Append the event, and enqueue the reply. 5. Enqueue the card.
    """
    yield from incidents.lock_incident(incident_id)
    before = yield from incidents.get(incident_id)
    if before.status in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED):
        return IncidentChange(before, changed=False)
    other = yield query(
        "SELECT o.id FROM incidents o JOIN incidents i ON i.sop_id = o.sop_id"
        " AND i.scope_env = o.scope_env AND i.scope_region = o.scope_region"
        " AND i.scope_service = o.scope_service AND i.scope_place = o.scope_place"
        " AND (? = 1 OR i.scope_category = o.scope_category)"
        " WHERE i.id = ? AND o.id != i.id AND o.status IN ('open', 'acknowledged')",
        int(before.sop_id != sop_id_of(before.incident_key)),
        incident_id,
    )
    if other:
        number = f"INC-{other[0]['id']}"
        raise Refused(
            deferred(
                "{number} stays resolved: {other} is open for the same service.",
                number=before.number,
                other=number,
            ),
            remedy=deferred("Go on in {number}.", number=number),
        )
    yield from cascade_steering.leave_resolved_root(incident_id, now)
    before = yield from incidents.get(incident_id)
    yield from incidents.set_open(incident_id, now)
    text = deferred("Reopened by @{user}", user=user)
    yield from incidents.append_and_reply(before, now, "reopened", text, user)
    yield from standing_advice.redraw(before, now)
    yield log_event(Event.INCIDENT_REOPENED, incident_id, actor=user)
    yield from incidents.show_card(incident_id, before.channel, before.severity, now)
    return IncidentChange((yield from incidents.get(incident_id)), changed=True)


def _end_escalation(incident: Incident, user: str, now: datetime) -> Operation[bool]:
    """The person who was asked for help answers; False if it was another one or nobody."""
    if incident.escalation is None or incident.escalation.to != user:
        return False
    yield run(
        "UPDATE incidents SET escalated_to = '', escalated_by = '', escalated_at = '' WHERE id = ?",
        incident.id,
    )
    text = deferred(
        "Escalation answered by @{user}; @{by} had asked", user=user, by=incident.escalation.by
    )
    yield from incidents.append_and_reply(incident, now, "escalation answered", text, user)
    return True


def check_open(incident: Incident, why: str) -> None:
    """Raise Refused if it is resolved; `why` says what that means for the command."""
    if incident.status not in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED):
        raise Refused(
            deferred(
                "{number} is {status}: {why}.",
                number=incident.number,
                status=incident.status,
                why=deferred(why),
            )
        )


class SteeringPart(Part):
    """The methods of `Store` for the steps of a person."""

    async def acknowledge(self, incident_id: int, user: str, now: datetime) -> IncidentChange:
        """Open becomes acknowledged; twice changes nothing; Refused when it is resolved."""
        return await self._write(acknowledge, incident_id, user, now)

    async def assign(
        self, incident_id: int, assignee: str, by: str, now: datetime, seen: str | None = None
    ) -> IncidentChange:
        """The assignee becomes the owner. Refused when it is resolved.

        `seen` is what the person saw, by `seen_owner`. SubmitAgain when it is another one by now.
        """
        return await self._write(assign, incident_id, assignee, by, now, seen)

    async def reopen(self, incident_id: int, user: str, now: datetime) -> IncidentChange:
        """Resolved becomes open. Refused while another one of the same service is open."""
        return await self._write(reopen, incident_id, user, now)
