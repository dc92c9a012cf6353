"""An incident that fires and resolves again and again is held open until it is quiet.

The changes stand in its timeline: it opened or was reopened, it ceased to fire, and while it is
held it fires again. A person's steps are no changes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.incidents.news import NewsKind
from bot.language import deferred
from bot.observability.events import Event
from bot.policy import Correlate
from store.incident_rows import SCOPE_COLUMNS
from store.log_events import log_event
from store.operations import closing, incidents, news
from store.operations.cutoffs import Cutoff
from store.operations.part import Part
from store.statements import Operation, from_db_time, query, run, to_db_time

CHANGES = "('opened', 'reopened', 'resolved', 'quiet', 'refired')"
"""The kinds of timeline entries that are changes."""


def close_or_hold(
    incident_id: int, now: datetime, correlate: Correlate, override: str = ""
) -> Operation[None]:
    """Nothing of the incident fires any more: resolve it, unless it flaps; then it is held open.

    The caller holds the incident; `override` is the one that says how many changes flap, '' for
    none. 1. Count its changes within the window, with this one. 2. Resolve it, or: 3. hold it,
    append the event, and let the card count. 4. Report it once, as news.
    """
    window = correlate.flapping_window_seconds
    count = (yield from _changes(incident_id, now - timedelta(seconds=window))) + 1
    if not correlate.flapping_changes or count < correlate.flapping_changes:
        yield from closing.close(incident_id, by="", now=now)
        return
    before = yield from incidents.get(incident_id)
    yield run("DELETE FROM firing WHERE incident_id = ?", incident_id)
    yield run("UPDATE incidents SET firing = 0 WHERE id = ?", incident_id)
    text = deferred("Ceased to fire; held open: it flaps")
    if override:
        text = deferred(
            "Ceased to fire; held open: it flaps (override {override})", override=override
        )
    yield from _changed(incident_id, count, "quiet", text, now)
    if before.flapping_changes:
        return
    yield log_event(Event.INCIDENT_FLAPPING, incident_id, changes=count)
    incident = yield from incidents.get(incident_id)
    yield from news.report(
        incident,
        NewsKind.FLAPPING,
        to_db_time(now),
        now,
        facts={"changes": str(count), "window": str(window)},
        mentions=(incident.acknowledged_by,),
    )


def fires_again(incident_id: int, now: datetime) -> Operation[None]:
    """An alert fires in an incident that is held, and in which nothing fired."""
    incident = yield from incidents.get(incident_id)
    count = incident.flapping_changes + 1
    yield from _changed(incident_id, count, "refired", deferred("Fires again while it flaps"), now)


def _changes(incident_id: int, since: datetime) -> Operation[int]:
    rows = yield query(
        "SELECT COUNT(*) AS n FROM timeline t JOIN incidents i"  # noqa: S608 - a constant
        f" ON t.incident_id IN (i.id, i.previous_id) WHERE i.id = ? AND t.kind IN {CHANGES}"
        " AND t.actor = '' AND t.at > ?",
        incident_id,
        to_db_time(since),
    )
    return int(rows[0]["n"])


def _changed(incident_id: int, count: int, kind: str, text: str, now: datetime) -> Operation[None]:
    yield run(
        "UPDATE incidents SET flapping_changes = ?, changed_at = ?, updated_at = ? WHERE id = ?",
        count,
        to_db_time(now),
        to_db_time(now),
        incident_id,
    )
    yield from incidents.append_event(incident_id, now, kind, text)
    incident = yield from incidents.get(incident_id)
    yield from incidents.show_card(incident_id, incident.channel, incident.severity, now)


def due(cutoff: Cutoff) -> Operation[list[tuple[int, datetime]]]:
    """The incidents that flapped, and in which nothing changed since the time beside each."""
    rows = yield query(
        f"SELECT i.id, i.changed_at, {SCOPE_COLUMNS} FROM incidents i"  # noqa: S608 - a constant
        " WHERE i.flapping_changes > 0 AND i.changed_at <= ? ORDER BY i.id",
        to_db_time(cutoff.latest),
    )
    quiet = ((row["id"], cutoff.if_before(row, row["changed_at"])) for row in rows)
    return [(incident_id, time) for incident_id, time in quiet if time is not None]


def end(incident_id: int, quiet_since: datetime, now: datetime) -> Operation[bool]:
    """End the flapping: resolve the incident if nothing fires, else say that it is steady again.

    False if it changed before this transaction held it.
    """
    yield from incidents.lock_incident(incident_id)
    rows = yield query(
        "SELECT changed_at FROM incidents WHERE id = ? AND flapping_changes > 0"
        " AND changed_at <= ?",
        incident_id,
        to_db_time(quiet_since),
    )
    if not rows:
        return False
    yield run("UPDATE incidents SET flapping_changes = 0 WHERE id = ?", incident_id)
    yield log_event(Event.INCIDENT_FLAPPING, incident_id, changes=0)
    incident = yield from incidents.get(incident_id)
    if not incident.firing:
        yield from closing.close(incident_id, by="", now=now)
        return True
    minutes = int((now - from_db_time(rows[0]["changed_at"])).total_seconds() // 60)
    text = deferred(
        "{number} is steady again: it fires without a break for {minutes} min",
        number=incident.number,
        minutes=minutes,
    )
    yield from incidents.append_and_reply(incident, now, "steady", text)
    yield from incidents.show_card(incident_id, incident.channel, incident.severity, now)
    return True


class FlappingPart(Part):
    """The method of `Store` that ends the flapping of incidents."""

    async def end_flapping(self, cutoff: Cutoff, now: datetime) -> int:
        """End the flapping of each incident in which nothing changed since then; says how many."""
        quiet = await self._engine.read(due, cutoff)
        return sum([await self._write(end, number, time, now) for number, time in quiet])
