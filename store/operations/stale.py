"""Incidents of which no alert comes any more: people are asked whether they still go on."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.errors import Refused
from bot.incidents.model import IncidentChange, IncidentStatus
from bot.incidents.news import NewsKind
from bot.language import deferred
from store.incident_rows import SCOPE_COLUMNS
from store.operations import incidents, news
from store.operations.cutoffs import Cutoff
from store.operations.part import Part
from store.statements import Operation, Row, from_db_time, query, run, to_db_time

RESOLUTION = timedelta(minutes=1)
"""A reminder within this time after another one is not written: it costs no statement."""

_OPEN = (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED)
LAST_ACTIVE = "CASE i.last_active_at WHEN '' THEN i.updated_at ELSE i.last_active_at END"


def alert_came(row: Row, now: datetime) -> Operation[None]:
    """Note that an alert of the incident came: a new one, a reminder, or a resolve.

    The caller holds the incident; `row` is one of `candidates`.
    """
    last = row["last_active_at"]
    if not last or now - from_db_time(last) >= RESOLUTION:
        yield from _is_active(row["id"], now)


def _is_active(incident_id: int, now: datetime) -> Operation[None]:
    yield run("UPDATE incidents SET last_active_at = ? WHERE id = ?", to_db_time(now), incident_id)
    yield from redraw(incident_id, now)


def redraw(incident_id: int, now: datetime) -> Operation[None]:
    """Let the newest question of an incident, if there is one, show that it is settled."""
    rows = yield query(
        "SELECT id FROM news WHERE incident_id = ? AND kind = ? ORDER BY id DESC LIMIT 1",
        incident_id,
        NewsKind.STALE,
    )
    for row in rows:
        incident = yield from incidents.get(incident_id)
        yield from incidents.reply(incident, "news", row["id"], now)
        yield from incidents.show_card(incident.id, incident.channel, incident.severity, now)


def ask(cutoff: Cutoff, now: datetime) -> Operation[int]:
    """Ask about each incident that a person has, or must settle, without a sign of activity since
    then. Returns how many.

    As `news.unanswered`, it lets a few wait in a channel at a time. The news row claims the
    question: its subject is the last sign, so a new sign lets the incident be asked about again.
    """
    rows = yield query(
        f"SELECT i.id, i.channel, {SCOPE_COLUMNS} FROM incidents i"  # noqa: S608 - constants
        " JOIN outbox card ON card.incident_id = i.id"
        " AND card.kind = 'card' AND card.ts IS NOT NULL"
        " WHERE i.status IN ('open', 'acknowledged') AND i.parent_id IS NULL"
        " AND (i.status = 'acknowledged' OR i.muted_by != ''"
        " OR EXISTS (SELECT 1 FROM executions e WHERE e.incident_id = i.id"
        f" AND e.state = 'outcome unknown')) AND {LAST_ACTIVE} <= ?"
        " AND NOT EXISTS (SELECT 1 FROM news n WHERE n.incident_id = i.id AND n.kind = ?"
        f"   AND n.subject = {LAST_ACTIVE})"
        " ORDER BY CASE i.severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2"
        " ELSE 3 END, i.id LIMIT ?",
        to_db_time(cutoff.latest),
        NewsKind.STALE,
        cutoff.limit(200),
    )
    if not rows:
        return 0
    waiting = yield from news.waiting_by_channel()
    count = 0
    for row in rows:
        active_before = cutoff.of(row)
        if active_before is None or waiting.get(row["channel"], 0) >= news.MOST_WAITING:
            continue
        yield from incidents.lock_incident(row["id"])
        incident = yield from incidents.get(row["id"])
        since = news.last_activity(incident)
        if incident.status not in _OPEN or since > to_db_time(active_before):
            continue  # it was resolved, or an alert came, before we held it
        if (
            yield from news.report(
                incident,
                NewsKind.STALE,
                since,
                now,
                facts={},
                mentions=(incident.acknowledged_by,),
            )
        ):
            waiting[row["channel"]] = waiting.get(row["channel"], 0) + 1
            count += 1
    return count


def still_going_on(incident_id: int, user: str, now: datetime) -> Operation[IncidentChange]:
    """A person says that it goes on. `changed` is False if the question is settled already."""
    yield from incidents.lock_incident(incident_id)
    incident = yield from incidents.get(incident_id)
    if incident.status not in _OPEN:
        raise Refused(
            deferred(
                "{number} is {status} already.", number=incident.number, status=incident.status
            )
        )
    unsettled = yield query(
        "SELECT 1 FROM news WHERE incident_id = ? AND kind = ? AND subject = ?",
        incident_id,
        NewsKind.STALE,
        news.last_activity(incident),
    )
    if not unsettled:
        return IncidentChange(incident, changed=False)
    yield from incidents.append_event(incident_id, now, "still", deferred("Still going on"), user)
    yield from _is_active(incident_id, now)
    return IncidentChange((yield from incidents.get(incident_id)), changed=True)


class StalePart(Part):
    """The methods of `Store` for incidents of which no alert comes any more."""

    async def ask_if_stale(self, cutoff: Cutoff, now: datetime) -> int:
        """Ask, once, about each incident that a person has, or whose outcome is unknown, and of
        which no alert came since then; says how many.
        """
        return await self._write(ask, cutoff, now)

    async def still_going_on(self, incident_id: int, user: str, now: datetime) -> IncidentChange:
        """Record that it goes on, and re-arm the question. Refused when it is not open."""
        return await self._write(still_going_on, incident_id, user, now)
