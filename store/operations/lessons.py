"""Lessons of people from incidents, for the next one of the same kind."""

from __future__ import annotations

import hashlib
from datetime import datetime

from bot.incidents.lessons import Lesson
from bot.language import deferred
from store.operations import audit, incidents
from store.operations.audit_kinds import Kind
from store.operations.idempotency import first_time
from store.operations.part import Part
from store.statements import Operation, Row, from_db_time, query, to_db_time

LISTED = 10
BATCH = 500


def add(
    incident_id: int, alert_name: str, text: str, user: str, origin: str, now: datetime
) -> Operation[Lesson]:
    """Store a lesson; once for each origin. NotFound for an unknown incident.

    1. Read the incident. 2. Store the lesson. 3. Append the event, and enqueue the reply.
    """
    incident = yield from incidents.get(incident_id)
    rows = yield query(
        "INSERT INTO lessons (incident_id, sop_id, alert_name, service, text, user_id, at, origin)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (origin) DO NOTHING RETURNING *",
        incident_id,
        incident.sop_id,
        alert_name,
        incident.service,
        text,
        user,
        to_db_time(now),
        origin,
    )
    if not rows:
        known = yield query("SELECT * FROM lessons WHERE origin = ?", origin)
        return _from(known[0])
    event = deferred("Lesson: {text}", text=text)
    yield from incidents.append_and_reply(incident, now, "lesson", event, user)
    return _from(rows[0])


def request_draft(incident_id: int, user: str, once: str, now: datetime) -> Operation[None]:
    """Enqueue the draft of an SOP into the thread; once for each `once`.

    1. Read the incident. 2. Append the event. 3. Enqueue the message.
    """
    incident = yield from incidents.get(incident_id)
    if not (yield from first_time(f"sop_draft/{once}", now)):
        return
    yield from incidents.append_event(
        incident_id, now, "sop_draft", deferred("SOP drafted by @{user}", user=user), user
    )
    mark = hashlib.sha256(once.encode()).hexdigest()[:8]
    yield from incidents.reply(incident, "sop_draft", f"{incident_id}/{mark}", now, by_request=True)


def about(sop_id: str, alert_name: str, limit: int) -> Operation[list[Lesson]]:
    """Return the newest lessons of this SOP ID or this alert name."""
    rows = yield query(
        "SELECT * FROM lessons WHERE removed_by = ''"
        " AND (sop_id = ? OR (alert_name = ? AND alert_name != '')) ORDER BY id DESC LIMIT ?",
        sop_id,
        alert_name,
        limit,
    )
    return [_from(row) for row in rows]


def before(lesson_id: int) -> Operation[list[Lesson]]:
    """Return the next lessons that are older than this one, newest first."""
    rows = yield query(
        "SELECT * FROM lessons WHERE id < ? AND removed_by = '' ORDER BY id DESC LIMIT ?",
        lesson_id,
        BATCH,
    )
    return [_from(row) for row in rows]


def find(lesson_id: int) -> Operation[Lesson | None]:
    """Return a lesson that nobody removed."""
    rows = yield query("SELECT * FROM lessons WHERE id = ? AND removed_by = ''", lesson_id)
    return _from(rows[0]) if rows else None


def remove(lesson_id: int, user: str, now: datetime) -> Operation[Lesson | None]:
    """Remove a lesson, so that nothing cites it; None if it is unknown or removed already.

    1. Mark it. 2. Append the event, and enqueue the reply. 3. Record it in the trail.
    """
    rows = yield query(
        "UPDATE lessons SET removed_by = ? WHERE id = ? AND removed_by = '' RETURNING *",
        user,
        lesson_id,
    )
    if not rows:
        return None
    lesson = _from(rows[0])
    incident = yield from incidents.get(lesson.incident_id)
    text = deferred("Lesson removed by @{user}: {text}", user=user, text=lesson.text)
    yield from incidents.append_and_reply(incident, now, "lesson_removed", text, user)
    yield from audit.record(
        Kind.LESSON_REMOVED,
        now=now,
        incident_id=lesson.incident_id,
        subject=str(lesson_id),
        actor=user,
        detail={"text": lesson.text, "author": lesson.user},
    )
    return lesson


def _from(row: Row) -> Lesson:
    return Lesson(
        id=row["id"],
        incident_id=row["incident_id"],
        sop_id=row["sop_id"],
        alert_name=row["alert_name"],
        service=row["service"],
        text=row["text"],
        user=row["user_id"],
        at=from_db_time(row["at"]),
    )


class LessonsPart(Part):
    """The methods of `Store` for lessons."""

    async def add_lesson(
        self, incident_id: int, alert_name: str, text: str, user: str, origin: str, now: datetime
    ) -> Lesson:
        """Store a lesson and show it in the thread; the same `origin` stores one."""
        return await self._write(add, incident_id, alert_name, text, user, origin, now)

    async def request_sop_draft(
        self, incident_id: int, user: str, once: str, now: datetime
    ) -> None:
        """Enqueue the draft of an SOP into the incident's thread; once for each `once`."""
        await self._write(request_draft, incident_id, user, once, now)

    async def lessons_about(
        self, sop_id: str, alert_name: str = "", limit: int = LISTED
    ) -> list[Lesson]:
        """Return the newest lessons of this SOP ID or this alert name."""
        return await self._engine.read(about, sop_id, alert_name, limit)

    async def lesson(self, lesson_id: int) -> Lesson | None:
        """Return a lesson that nobody removed."""
        return await self._engine.read(find, lesson_id)

    async def remove_lesson(self, lesson_id: int, user: str, now: datetime) -> Lesson | None:
        """Remove a wrong lesson, on record; None if it is unknown or removed already."""
        return await self._write(remove, lesson_id, user, now)
