"""A person asks a second person for help with an incident, until that person answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.incidents.model import Incident, IncidentChange
from bot.language import N_, deferred
from store.operations import incidents, outbox, steering
from store.operations.idempotency import first_time
from store.operations.part import Part
from store.statements import Operation, query, run, to_db_time

AGAIN = timedelta(minutes=5)  # the same person is asked again only after that


def escalate(
    incident_id: int,
    to: str,
    by: str,
    reason: str,
    direct_channel: str,
    now: datetime,
    once: str,
) -> Operation[IncidentChange]:
    """Ask a person for help. `changed` is False if they were asked within AGAIN.

    1. Lock the incident, and read it. 2. Update it. 3. Append the event, and enqueue the reply,
    which mentions them, and the message in `direct_channel`, unless that is ''. 4. Enqueue the
    card.
    """
    yield from incidents.lock_incident(incident_id)
    before: Incident = yield from incidents.get(incident_id)
    steering.check_open(before, N_("there is nothing to escalate"))
    known = before.escalation
    if known and known.to == to and now - known.at < AGAIN:
        return IncidentChange(before, changed=False, former=known.by)
    if not (yield from first_time(once, now)):
        return IncidentChange(before, changed=False, former=by)
    yield run(
        "UPDATE incidents SET escalated_to = ?, escalated_by = ?, escalated_at = ?, updated_at = ?"
        " WHERE id = ?",
        to,
        by,
        to_db_time(now),
        to_db_time(now),
        incident_id,
    )
    yield from incidents.append_and_reply(before, now, "escalated", _text(to, by, reason), by)
    if direct_channel:
        rows = yield query(
            "SELECT MAX(id) AS id FROM timeline WHERE incident_id = ? AND kind = 'escalated'",
            incident_id,
        )
        yield from outbox.enqueue(
            kind="escalation",
            subject=rows[0]["id"],
            channel=direct_channel,
            incident_id=incident_id,
            in_thread=False,
            severity=before.severity,
            now=now,
        )
    yield from incidents.show_card(incident_id, before.channel, before.severity, now)
    return IncidentChange((yield from incidents.get(incident_id)), changed=True)


def _text(to: str, by: str, reason: str) -> str:
    if reason:
        return deferred("Escalated to @{to} by @{by}: {reason}", to=to, by=by, reason=reason)
    return deferred("Escalated to @{to} by @{by}", to=to, by=by)


class EscalationsPart(Part):
    """The method of `Store` for escalations; `acknowledge` and `assign` end one."""

    async def escalate(
        self,
        incident_id: int,
        to: str,
        by: str,
        reason: str,
        direct_channel: str,
        now: datetime,
        once: str,
    ) -> IncidentChange:
        """Mention that person in the thread and in `direct_channel`, once a key `once`.

        Refused when it is resolved.
        """
        return await self._write(escalate, incident_id, to, by, reason, direct_channel, now, once)
