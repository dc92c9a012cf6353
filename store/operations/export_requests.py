"""A person asks for the export of an incident, which a direct message brings as a file."""

from __future__ import annotations

import hashlib
from datetime import datetime

from bot.language import deferred
from store.operations import audit, incidents, outbox
from store.operations.audit_kinds import Kind
from store.operations.idempotency import first_time
from store.operations.part import Part
from store.statements import Operation


def file_name(subject: str) -> str:
    """Return the name of the file of that message, which no other export has."""
    incident_id, _, mark = subject.partition("/")
    return f"INC-{incident_id}-export-{mark}.json"


def request(
    incident_id: int, user: str, direct_channel: str, once: str, now: datetime
) -> Operation[str]:
    """Enqueue the export and return the name of its file; once for each `once`.

    1. Read the incident. 2. Enqueue the message. 3. Append the event. 4. Record it in the trail.
    """
    incident = yield from incidents.get(incident_id)
    subject = f"{incident_id}/{hashlib.sha256(once.encode()).hexdigest()[:8]}"
    name = file_name(subject)
    if not (yield from first_time(f"export/{once}", now)):
        return name
    yield from outbox.enqueue(
        kind="export",
        subject=subject,
        channel=direct_channel,
        incident_id=None,
        in_thread=False,
        severity=None,
        now=now,
    )
    yield from incidents.append_event(
        incident.id, now, "exported", deferred("Exported by @{user}", user=user), user
    )
    yield from audit.record(
        Kind.EXPORTED, now=now, incident_id=incident_id, subject=name, actor=user
    )
    return name


class ExportRequestsPart(Part):
    """The method of `Store` for exports that people ask for."""

    async def request_export(
        self, incident_id: int, user: str, direct_channel: str, once: str, now: datetime
    ) -> str:
        """Enqueue the export to `direct_channel`, on record; returns the name of its file.

        NotFound if there is no such incident. The same `once` enqueues nothing.
        """
        return await self._write(request, incident_id, user, direct_channel, once, now)
