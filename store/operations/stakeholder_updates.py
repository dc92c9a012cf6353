"""The update on an incident that its stakeholders read: one message, corrected in place."""

from __future__ import annotations

from datetime import datetime

from bot.errors import SubmitAgain
from bot.incidents.model import Incident
from bot.incidents.records import StakeholderUpdate
from bot.language import deferred
from store.operations import audit, incidents, outbox
from store.operations.audit_kinds import Kind
from store.operations.idempotency import first_time
from store.operations.part import Part
from store.statements import Operation, Row, from_db_time, query, to_db_time


def post(
    incident_id: int, text: str, user: str, after: int, channel: str, once: str, now: datetime
) -> Operation[StakeholderUpdate]:
    """Post the update, or correct the one that is posted; once for each `once`.

    `after` is the version that the person saw, 0 for none: SubmitAgain if there is another one.
    1. Lock the incident. 2. Insert or update it. 3. Append the event. 4. Enqueue the message in
    the channel, and the note in the thread. 5. Record it in the trail.
    """
    yield from incidents.lock_incident(incident_id)
    incident = yield from incidents.get(incident_id)
    current: StakeholderUpdate | None = yield from get(incident_id)
    if not (yield from first_time(f"update/{once}", now)) and current is not None:
        return current
    version = current.version if current else 0
    if version != after:
        raise _posted_meanwhile(current, version)
    rows = yield query(
        "INSERT INTO stakeholder_updates"
        " (incident_id, channel, body, version, posted_by, posted_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (incident_id) DO UPDATE SET body = excluded.body, version = excluded.version,"
        " posted_by = excluded.posted_by, posted_at = excluded.posted_at RETURNING *",
        incident_id,
        current.channel if current else channel,
        text,
        version + 1,
        user,
        to_db_time(now),
    )
    update = _from(rows[0])
    yield from _announce(incident, update, now)
    return update


def _posted_meanwhile(current: StakeholderUpdate | None, version: int) -> SubmitAgain:
    by = f"<@{current.posted_by}>" if current else deferred("Another person")
    return SubmitAgain(
        deferred(
            "Not posted yet: {by} posted version {version} while this box was open.",
            by=by,
            version=version,
        ),
        remedy=deferred(
            "Submit once more to replace it by your text, or close the box to leave it."
        ),
        seen=str(version),
    )


def _announce(incident: Incident, update: StakeholderUpdate, now: datetime) -> Operation[None]:
    """Append the event, enqueue both messages, and record the update in the trail."""
    event = deferred(
        "Stakeholder update, version {version}: {text}", version=update.version, text=update.text
    )
    yield from incidents.append_event(incident.id, now, "stakeholders", event, update.posted_by)
    yield from outbox.enqueue(
        kind="stakeholders",
        subject=incident.id,
        channel=update.channel,
        incident_id=incident.id,
        in_thread=False,
        severity=incident.severity,
        now=now,
    )
    yield from incidents.reply(incident, "stakeholder_note", incident.id, now, by_request=True)
    yield from audit.record(
        Kind.STAKEHOLDERS_INFORMED,
        now=now,
        incident_id=incident.id,
        subject=update.channel,
        actor=update.posted_by,
        detail={"version": update.version, "text": update.text},
    )


def get(incident_id: int) -> Operation[StakeholderUpdate | None]:
    """Return the update that is posted; None without one."""
    rows = yield query("SELECT * FROM stakeholder_updates WHERE incident_id = ?", incident_id)
    return _from(rows[0]) if rows else None


def _from(row: Row) -> StakeholderUpdate:
    return StakeholderUpdate(
        incident_id=row["incident_id"],
        channel=row["channel"],
        text=row["body"],
        version=row["version"],
        posted_by=row["posted_by"],
        posted_at=from_db_time(row["posted_at"]),
    )


class StakeholderUpdatesPart(Part):
    """The methods of `Store` for updates to stakeholders."""

    async def post_update(
        self,
        incident_id: int,
        text: str,
        user: str,
        after: int,
        channel: str,
        once: str,
        now: datetime,
    ) -> StakeholderUpdate:
        """Post an update to `channel`, or correct the one that is posted where it is, on record.

        `after` is the version that the person saw. SubmitAgain if there is another one by now.
        The same `once` posts nothing.
        """
        return await self._write(post, incident_id, text, user, after, channel, once, now)

    async def stakeholder_update(self, incident_id: int) -> StakeholderUpdate | None:
        """Return the update on an incident that is posted; None without one."""
        return await self._engine.read(get, incident_id)
