"""Activity at the sender of an alert (acknowledged, assigned, commented) reaches its incident.

It is about the open incident in which that sender's alert fires, else about the incident of the
message in whose thread it was posted, else about the one open incident in which an alert of that
sender and that name fires. What matches none is kept, and can be listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.incidents.model import Incident, IncidentStatus
from bot.intake.reading import ActivityKind, IdentifiedActivity, StoredActivity
from bot.language import deferred
from bot.observability.events import Event
from store.log_events import log_event
from store.operations import incidents, senders, stale
from store.operations.part import Part
from store.statements import (
    Operation,
    Row,
    execute,
    from_db_time,
    query,
    run,
    starting_with,
    to_db_time,
)

MOST_REPLIES = 20
"""Replies about activity in one thread: a sender must not flood it. Everything is stored."""

_IS_OPEN = "i.status IN ('open', 'acknowledged')"


def accept_all(
    activities: Sequence[IdentifiedActivity], now: datetime, *, may_acknowledge: bool
) -> Operation[tuple[int, int]]:
    """Store the activities of one delivery. Returns how many are stored, and how many match none.

    1. Find the incident. 2. Leave out what is stored already, and what the sender only repeats.
    3. Store the activity. 4. Acknowledge the incident, if this may do so. 5. Append the event, and
    enqueue the reply that quotes it.
    """
    stored = unmatched = 0
    for item in activities:
        incident_id, by_key = yield from _find_incident(item)
        if (yield from _is_repetition(item, incident_id)):
            continue
        rows = yield query(
            "INSERT INTO activities (dedup_key, incident_id, source, sender, kind, actor, text,"
            " fingerprint, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (dedup_key) DO NOTHING RETURNING id",
            item.dedup_key,
            incident_id,
            item.activity.source,
            _sender(item),
            item.activity.kind,
            item.activity.actor,
            item.activity.text,
            item.activity.fingerprint,
            to_db_time(now),
        )
        if not rows:
            continue
        stored += 1
        if incident_id is None:
            unmatched += 1
            continue
        # Only a field of the form of the very sender whose alert fires: never a text.
        stated = may_acknowledge and by_key and item.activity.is_stated
        yield from _attach(rows[0]["id"], incident_id, item, now, stated=stated)
    return stored, unmatched


def _sender(item: IdentifiedActivity) -> str:
    return item.senders[0] if item.senders else ""


def _is_repetition(item: IdentifiedActivity, incident_id: int | None) -> Operation[bool]:
    """Return whether the newest activity about the same alert there says exactly the same."""
    activity = item.activity
    rows = yield query(
        "SELECT kind, actor, text FROM activities WHERE fingerprint = ? AND source = ?"
        " AND sender = ? AND COALESCE(incident_id, 0) = ? ORDER BY id DESC LIMIT 1",
        activity.fingerprint,
        activity.source,
        _sender(item),
        incident_id or 0,
    )
    same = (activity.kind, activity.actor, activity.text)
    return bool(rows) and (rows[0]["kind"], rows[0]["actor"], rows[0]["text"]) == same


def _find_incident(item: IdentifiedActivity) -> Operation[tuple[int | None, bool]]:
    """Return the incident that it is about, and whether the sender's own alert fires there."""
    activity = item.activity
    keys = [senders.key(activity, sender) for sender in (*item.senders, "")]
    rows = yield query(
        f"SELECT i.id FROM firing f JOIN incidents i ON i.id = f.incident_id WHERE {_IS_OPEN}"  # noqa: S608 - constants
        f" AND f.fingerprint IN ({senders.placeholders(keys)}) ORDER BY i.id DESC LIMIT 1",
        *keys,
    )
    if rows:
        return rows[0]["id"], True
    by_them = f"sender IN ('', {senders.placeholders(item.senders)})" if item.senders else "1 = 1"
    if item.thread:
        rows = yield query(
            "SELECT incident_id AS id FROM alerts WHERE dedup_key >= ? AND dedup_key < ?"  # noqa: S608 - constants
            f" AND incident_id IS NOT NULL AND {by_them} ORDER BY +id DESC LIMIT 1",
            *starting_with(item.thread),
            *item.senders,
        )
        if rows:
            return rows[0]["id"], False
    if activity.name:
        rows = yield query(
            "SELECT DISTINCT i.id FROM firing f JOIN incidents i ON i.id = f.incident_id"  # noqa: S608 - constants
            f" WHERE {_IS_OPEN} AND f.name = ? AND f.{by_them} LIMIT 2",
            activity.name,
            *item.senders,
        )
        if len(rows) == 1:
            return rows[0]["id"], False
    return None, False


def _attach(
    activity_id: int, incident_id: int, item: IdentifiedActivity, now: datetime, *, stated: bool
) -> Operation[None]:
    """Let the incident know of it. An update of the sender's own bookkeeping is only stored."""
    activity = item.activity
    incident = yield from incidents.get(incident_id)
    if incident.status in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED):
        yield run(
            "UPDATE incidents SET last_active_at = ? WHERE id = ?", to_db_time(now), incident_id
        )
        yield from stale.redraw(incident_id, now)
    counts = False
    if stated and activity.kind is ActivityKind.ACKNOWLEDGED:
        counts = yield from _acknowledge(incident, activity_id, now)
    elif stated and activity.kind is ActivityKind.UNACKNOWLEDGED:
        counts = yield from _reopen_at_sender(incident, now)
    if activity.kind is ActivityKind.UPDATED:
        return
    shown = yield query(
        "SELECT COUNT(*) AS n FROM activities WHERE incident_id = ? AND kind != ?",
        incident_id,
        ActivityKind.UPDATED,
    )
    if shown[0]["n"] > MOST_REPLIES and not counts:
        return
    text = deferred("{source} says: {kind} there", source=activity.source, kind=activity.kind)
    yield from incidents.append_event(incident_id, now, "activity", text)
    yield from incidents.reply(incident, "activity", activity_id, now)


def _acknowledge(incident: Incident, activity_id: int, now: datetime) -> Operation[bool]:
    """Acknowledge the incident without an owner of this workspace. False if it is not open."""
    count = yield execute(
        "UPDATE incidents SET status = 'acknowledged', acknowledged_at = ?, acknowledged_by = '',"
        " updated_at = ? WHERE id = ? AND status = 'open'",
        to_db_time(now),
        to_db_time(now),
        incident.id,
    )
    if not count:
        return False
    yield run("UPDATE activities SET acknowledges = 1 WHERE id = ?", activity_id)
    yield from incidents.append_event(
        incident.id, now, "acknowledged", deferred("Acknowledged at its sender")
    )
    yield log_event(Event.INCIDENT_ACKNOWLEDGED, incident.id)
    yield from incidents.show_card(incident.id, incident.channel, incident.severity, now)
    return True


def _reopen_at_sender(incident: Incident, now: datetime) -> Operation[bool]:
    """Open the incident again if it was acknowledged at its sender, not by a person here."""
    count = yield execute(
        "UPDATE incidents SET status = 'open', acknowledged_at = NULL, updated_at = ?"
        " WHERE id = ? AND status = 'acknowledged' AND acknowledged_by = ''",
        to_db_time(now),
        incident.id,
    )
    if not count:
        return False
    yield from incidents.append_event(
        incident.id, now, "unacknowledged", deferred("No longer acknowledged at its sender")
    )
    yield from incidents.show_card(incident.id, incident.channel, incident.severity, now)
    return True


def get(activity_id: int) -> Operation[StoredActivity | None]:
    """Return one activity by its id."""
    rows = yield query("SELECT * FROM activities WHERE id = ?", activity_id)
    return _from(rows[0]) if rows else None


def unmatched(limit: int) -> Operation[list[StoredActivity]]:
    """Return the newest activities that matched no incident."""
    rows = yield query(
        "SELECT * FROM activities WHERE incident_id IS NULL ORDER BY id DESC LIMIT ?", limit
    )
    return [_from(row) for row in rows]


def _from(row: Row) -> StoredActivity:
    return StoredActivity(
        row["id"],
        row["incident_id"],
        row["source"],
        row["sender"],
        ActivityKind(row["kind"]),
        row["actor"],
        row["text"],
        row["fingerprint"],
        bool(row["acknowledges"]),
        from_db_time(row["received_at"]),
    )


class ActivitiesPart(Part):
    """The methods of `Store` for activity at senders. `accept` stores it."""

    async def activity(self, activity_id: int) -> StoredActivity | None:
        """One activity by its id."""
        return await self._engine.read(get, activity_id)

    async def unmatched_activities(self, limit: int = 10) -> list[StoredActivity]:
        """The newest activities that matched no incident, newest first."""
        return await self._engine.read(unmatched, limit)
