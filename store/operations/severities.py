"""A person sets the severity of an incident; its alerts do not change it until it ends."""

from __future__ import annotations

from datetime import datetime

from bot.incidents.model import Incident, IncidentChange, Severity
from bot.observability.events import Event
from store.log_events import log_event
from store.operations import incidents, steering
from store.operations.part import Part
from store.statements import Operation, run, to_db_time


def set_severity(
    incident_id: int, severity: Severity, user: str, now: datetime
) -> Operation[IncidentChange]:
    """Set the severity. `changed` is False if a person has set the same one already.

    1. Lock the incident, and read it. 2. Update it. 3. Append the event, and enqueue the reply,
    which mentions the owner. 4. Enqueue the card, and that of its root.
    """
    yield from incidents.lock_incident(incident_id)
    before: Incident = yield from incidents.get(incident_id)
    steering.check_open(before, "its severity does not change any more")
    if before.severity_by and before.severity is severity:
        return IncidentChange(before, changed=False, former=before.severity_by)
    yield run(
        "UPDATE incidents SET severity = ?, severity_by = ?, updated_at = ? WHERE id = ?",
        severity,
        user,
        to_db_time(now),
        incident_id,
    )
    was = f"it was {before.severity}" if severity is not before.severity else "as its alerts say"
    text = f"Severity set to {severity} by @{user}; {was}"
    if before.acknowledged_by not in ("", user):
        text += f". Owner: @{before.acknowledged_by}"
    yield from incidents.append_and_reply(before, now, "severity set", text, user)
    yield log_event(
        Event.INCIDENT_SEVERITY, incident_id, before=str(before.severity), severity=str(severity)
    )
    yield from incidents.show_card(incident_id, before.channel, severity, now)
    if before.parent_id is not None:
        yield from incidents.show_card(before.parent_id, before.channel, severity, now)
    return IncidentChange((yield from incidents.get(incident_id)), changed=True)


class SeveritiesPart(Part):
    """The method of `Store` for the severity that a person sets."""

    async def set_severity(
        self, incident_id: int, severity: Severity, user: str, now: datetime
    ) -> IncidentChange:
        """The severity is this one until the incident ends, whatever its alerts say.

        Refused when it is resolved.
        """
        return await self._write(set_severity, incident_id, severity, user, now)
