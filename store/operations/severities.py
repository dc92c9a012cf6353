"""A person sets the severity of an incident; its alerts do not change it until it ends."""

from __future__ import annotations

from datetime import datetime

from bot.errors import SubmitAgain
from bot.incidents.edits import seen_severity
from bot.incidents.model import Incident, IncidentChange, Severity
from bot.language import N_, deferred
from bot.observability.events import Event
from store.log_events import log_event
from store.operations import incidents, steering
from store.operations.part import Part
from store.statements import Operation, run, to_db_time


def set_severity(
    incident_id: int, severity: Severity, user: str, now: datetime, seen: str | None
) -> Operation[IncidentChange]:
    """Set the severity. `changed` is False if a person has set the same one already.

    1. Lock the incident, and read it. 2. SubmitAgain if it is not as the person saw it. 3. Update
    it. 4. Append the event, and enqueue the reply, which mentions the owner. 5. Enqueue the card,
    and that of its root.
    """
    yield from incidents.lock_incident(incident_id)
    before: Incident = yield from incidents.get(incident_id)
    steering.check_open(before, N_("its severity does not change any more"))
    if seen is not None and seen_severity(before) != seen:
        raise _changed_meanwhile(before, severity)
    if before.severity_by and before.severity is severity:
        return IncidentChange(before, changed=False, former=before.severity_by)
    yield run(
        "UPDATE incidents SET severity = ?, severity_by = ?, updated_at = ? WHERE id = ?",
        severity,
        user,
        to_db_time(now),
        incident_id,
    )
    was = deferred("as its alerts say")
    if severity is not before.severity:
        was = deferred("it was {severity}", severity=before.severity)
    text = deferred(
        "Severity set to {severity} by @{user}; {was}", severity=severity, user=user, was=was
    )
    if before.acknowledged_by not in ("", user):
        text = deferred("{text}. Owner: @{owner}", text=text, owner=before.acknowledged_by)
    yield from incidents.append_and_reply(before, now, "severity set", text, user)
    yield log_event(
        Event.INCIDENT_SEVERITY, incident_id, before=str(before.severity), severity=str(severity)
    )
    yield from incidents.show_card(incident_id, before.channel, severity, now)
    if before.parent_id is not None:
        yield from incidents.show_card(before.parent_id, before.channel, severity, now)
    return IncidentChange((yield from incidents.get(incident_id)), changed=True)


def _changed_meanwhile(incident: Incident, severity: Severity) -> SubmitAgain:
    """Say who changed it, and what a second submission does."""
    by = f"<@{incident.severity_by}>" if incident.severity_by else deferred("One of its alerts")
    return SubmitAgain(
        deferred(
            "Not done yet: {by} set the severity of {number} to {severity} while this box was"
            " open.",
            by=by,
            number=incident.number,
            severity=incident.severity,
        ),
        remedy=deferred(
            "Submit once more to set it to {severity}, or close the box to leave it.",
            severity=severity,
        ),
        seen=seen_severity(incident),
    )


class SeveritiesPart(Part):
    """The method of `Store` for the severity that a person sets."""

    async def set_severity(
        self,
        incident_id: int,
        severity: Severity,
        user: str,
        now: datetime,
        seen: str | None = None,
    ) -> IncidentChange:
        """The severity is this one until the incident ends, whatever its alerts say.

        `seen` is what the person saw, by `seen_severity`. Refused when it is resolved, SubmitAgain
        when it is another severity by now.
        """
        return await self._write(set_severity, incident_id, severity, user, now, seen)
