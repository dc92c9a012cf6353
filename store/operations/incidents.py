"""Incidents: read and steered; their timeline. `closing` resolves them."""

from __future__ import annotations

from datetime import datetime

from bot.errors import NotFound
from bot.incidents.model import Incident, Severity, TimelineEntry
from bot.language import deferred, packed
from store.incident_rows import incident_from, timeline_from
from store.operations import outbox
from store.operations.idempotency import first_time
from store.operations.part import Part
from store.statements import Operation, lock, query, run, starting_with, to_db_time

_EVENT = (
    "INSERT INTO timeline (incident_id, at, kind, text, message, actor) VALUES (?, ?, ?, ?, ?, ?)"
)


def append_event(
    incident_id: int, now: datetime, kind: str, text: str, actor: str = ""
) -> Operation[None]:
    """Add a fact to the incident's story; a `deferred` text is read in the reader's language."""
    yield run(_EVENT, incident_id, to_db_time(now), kind, text, packed(text), actor)


def show_card(
    incident_id: int,
    channel: str,
    severity: Severity,
    now: datetime,
    delay: float = 0.0,
    sender: str = "",
) -> Operation[None]:
    """The card should show the incident as it is now. `sender` opened it: that is for its first."""
    yield from outbox.enqueue(
        kind="card",
        subject=incident_id,
        channel=channel,
        incident_id=incident_id,
        in_thread=False,
        severity=severity,
        now=now,
        delay=delay,
        sender=sender,
    )


def reply(
    incident: Incident, kind: str, subject: object, now: datetime, *, by_request: bool = False
) -> Operation[None]:
    """The incident's thread should show this as it is now.

    `by_request`: a person wants it. Anything else posts no new message while the thread is muted.
    """
    if not by_request and (yield from is_quiet(incident, now)):
        shown = yield query("SELECT 1 FROM outbox WHERE key = ?", f"{kind}:{subject}")
        if not shown:
            return
    yield from outbox.enqueue(
        kind=kind,
        subject=subject,
        channel=incident.channel,
        incident_id=incident.id,
        in_thread=True,
        severity=incident.severity,
        now=now,
    )


def is_quiet(incident: Incident, now: datetime) -> Operation[bool]:
    """Return whether a person keeps the thread of the incident, which is its root's, quiet."""
    mute = incident.mute
    if incident.parent_id is not None:
        root: Incident = yield from get(incident.parent_id)
        mute = root.mute
    return mute is not None and mute.holds(now)


def append_and_reply(
    incident: Incident, now: datetime, kind: str, text: str, actor: str = ""
) -> Operation[None]:
    """Add a fact to the incident's story, and a message in the thread that says it."""
    event = (incident.id, to_db_time(now), kind, text, packed(text), actor)
    rows = yield query(f"{_EVENT} RETURNING id", *event)
    yield from reply(incident, "steered", rows[0]["id"], now, by_request=bool(actor))


def show_approval(incident: Incident, approval_id: str, now: datetime) -> Operation[None]:
    """The thread should show this approval, and the card that it waits, or waits no more."""
    yield from reply(incident, "approval", approval_id, now, by_request=True)
    yield from show_card(incident.id, incident.channel, incident.severity, now)


def get(incident_id: int) -> Operation[Incident]:
    """One incident, or NotFound."""
    rows = yield query("SELECT * FROM incidents WHERE id = ?", incident_id)
    if not rows:
        raise unknown(incident_id)
    return incident_from(rows[0])


def unknown(incident_id: int) -> NotFound:
    """The answer to a number that no incident has."""
    return NotFound(
        deferred("There is no INC-{incident_id}.", incident_id=incident_id),
        remedy=deferred("`/incident list` shows them."),
    )


def of_approval(approval_id: str) -> Operation[Incident]:
    """The incident of an approval, or NotFound."""
    rows = yield query(
        "SELECT i.* FROM incidents i JOIN approvals a ON a.incident_id = i.id WHERE a.id = ?",
        approval_id,
    )
    if not rows:
        raise NotFound(
            deferred("This approval is not known here."),
            remedy=deferred("Propose the action again."),
        )
    return incident_from(rows[0])


def open_incidents(limit: int, before: int | None) -> Operation[list[Incident]]:
    """Open and acknowledged incidents, newest first."""
    rows = yield query(
        "SELECT * FROM incidents WHERE status IN ('open', 'acknowledged') AND id < ?"
        " ORDER BY id DESC LIMIT ?",
        before if before is not None else 2**62,
        limit,
    )
    return [incident_from(row) for row in rows]


def of_sop(sop_id: str, limit: int) -> Operation[list[Incident]]:
    """The newest incidents of one SOP ID."""
    rows = yield query(
        "SELECT * FROM incidents WHERE sop_id = ? ORDER BY id DESC LIMIT ?", sop_id, limit
    )
    return [incident_from(row) for row in rows]


def of_message(channel: str, ts: str) -> Operation[Incident | None]:
    """The incident whose card, or reply, is that message."""
    rows = yield query(
        "SELECT i.* FROM outbox o JOIN incidents i ON i.id = o.incident_id"
        " WHERE o.channel = ? AND o.ts = ?",
        channel,
        ts,
    )
    return incident_from(rows[0]) if rows else None


def of_delivery(versions: str) -> Operation[Incident | None]:
    """The incident of the first alert that was delivered under a key that begins so."""
    rows = yield query(
        "SELECT i.* FROM alerts a JOIN incidents i ON i.id = a.incident_id"
        " WHERE a.dedup_key >= ? AND a.dedup_key < ? ORDER BY a.dedup_key LIMIT 1",
        *starting_with(versions),
    )
    return incident_from(rows[0]) if rows else None


def card_place(incident_id: int) -> Operation[tuple[str, str] | None]:
    """The channel and the ts of its card, of a child those of its root's; None if unposted."""
    incident = yield from get(incident_id)
    rows = yield query(
        "SELECT channel, ts FROM outbox WHERE key = ? AND ts IS NOT NULL",
        f"card:{incident.parent_id or incident.id}",
    )
    return (rows[0]["channel"], rows[0]["ts"]) if rows else None


def timeline(incident_id: int, limit: int) -> Operation[list[TimelineEntry]]:
    """The newest entries, oldest first."""
    rows = yield query(
        "SELECT * FROM timeline WHERE incident_id = ? ORDER BY id DESC LIMIT ?", incident_id, limit
    )
    return [timeline_from(row) for row in reversed(rows)]


def timeline_total(incident_id: int) -> Operation[int]:
    """Return how many entries the timeline has."""
    rows = yield query("SELECT COUNT(*) AS n FROM timeline WHERE incident_id = ?", incident_id)
    return int(rows[0]["n"])


def set_open(incident_id: int, now: datetime) -> Operation[None]:
    """A resolved incident is open, without an owner, and nothing fires in it yet."""
    yield run(
        "UPDATE incidents SET status = 'open', resolved_at = NULL, resolved_by = '',"
        " resolution = '', acknowledged_at = NULL, acknowledged_by = '', fixed_by = '',"
        " severity_by = '', escalated_to = '', escalated_by = '', escalated_at = '',"
        " updated_at = ?, last_active_at = ?,"
        # Of those resolved long ago alerts are pruned.
        " alert_count = (SELECT COUNT(*) FROM alerts a WHERE a.incident_id = incidents.id"
        " AND a.status = 'firing') WHERE id = ?",
        to_db_time(now),
        to_db_time(now),
        incident_id,
    )


def lock_incident(incident_id: int) -> Operation[None]:
    """Nobody else folds into, proposes for or closes this incident until the transaction ends."""
    rows = yield query("SELECT scope_service FROM incidents WHERE id = ?", incident_id)
    for row in rows:
        yield lock(lock_key(row["scope_service"]))


def lock_key(service: str) -> str:
    """The name of the lock on every open incident about that service, in all environments.

    One for all of them, because which one an alert joins depends on all: an alert that does not
    say its environment may join an incident of any.
    """
    return f"scope/{service}"


def resolved_subject(incident_id: int) -> Operation[str]:
    """Of the message that tells of the latest resolve: what was reopened resolves in a new one."""
    rows = yield query(
        "SELECT COUNT(*) AS n FROM timeline WHERE incident_id = ? AND kind = 'resolved'",
        incident_id,
    )
    times = int(rows[0]["n"])
    return str(incident_id) if times < 2 else f"{incident_id}/{times}"


def remark(timeline_id: int) -> Operation[TimelineEntry | None]:
    """One fact of a story by its id."""
    rows = yield query("SELECT * FROM timeline WHERE id = ?", timeline_id)
    return timeline_from(rows[0]) if rows else None


def counts() -> Operation[dict[str, int]]:
    """Return how many incidents stand in each status."""
    rows = yield query("SELECT status, COUNT(*) AS n FROM incidents GROUP BY status")
    return {row["status"]: row["n"] for row in rows}


def open_severities() -> Operation[dict[Severity, int]]:
    """Return how many incidents of each severity are open."""
    rows = yield query(
        "SELECT severity, COUNT(*) AS n FROM incidents"
        " WHERE status IN ('open', 'acknowledged') GROUP BY severity"
    )
    return {Severity(row["severity"]): int(row["n"]) for row in rows}


def note(
    incident_id: int, text: str, user: str, now: datetime, once: str = ""
) -> Operation[Incident]:
    """1. Append a person's remark to the timeline. 2. Enqueue the reply that shows it.

    Nothing if the key `once` was seen before.
    """
    incident: Incident = yield from get(incident_id)
    if once and not (yield from first_time(once, now)):
        return incident
    event = (incident_id, to_db_time(now), "note", text, packed(text), user)
    rows = yield query(f"{_EVENT} RETURNING id", *event)
    yield from reply(incident, "note", rows[0]["id"], now, by_request=bool(user))
    return incident


class IncidentsPart(Part):
    """The methods of `Store` for incidents."""

    async def incident(self, incident_id: int) -> Incident:
        """One incident, or NotFound."""
        return await self._engine.read(get, incident_id)

    async def incident_of_approval(self, approval_id: str) -> Incident:
        """The incident of an approval, or NotFound."""
        return await self._engine.read(of_approval, approval_id)

    async def open_incidents(self, limit: int = 20, before: int | None = None) -> list[Incident]:
        """Open and acknowledged incidents, newest first; `before` an id pages on."""
        return await self._engine.read(open_incidents, limit, before)

    async def incidents_of_sop(self, sop_id: str, limit: int = 10) -> list[Incident]:
        """The newest incidents of a SOP ID."""
        return await self._engine.read(of_sop, sop_id, limit)

    async def incident_of_message(self, channel: str, ts: str) -> Incident | None:
        """The incident whose card or reply is that Slack message."""
        return await self._engine.read(of_message, channel, ts)

    async def incident_of_delivery(self, versions: str) -> Incident | None:
        """The incident of an alert whose delivery has a key that begins with `versions`."""
        return await self._engine.read(of_delivery, versions)

    async def card_place(self, incident_id: int) -> tuple[str, str] | None:
        """The place of an incident's card in Slack: channel and ts; None until it is posted."""
        return await self._engine.read(card_place, incident_id)

    async def timeline(self, incident_id: int, limit: int = 100) -> list[TimelineEntry]:
        """The newest entries, oldest first."""
        return await self._engine.read(timeline, incident_id, limit)

    async def timeline_total(self, incident_id: int) -> int:
        """Return how many entries the timeline has."""
        return await self._engine.read(timeline_total, incident_id)

    async def remark(self, timeline_id: int) -> TimelineEntry | None:
        """One fact of a story."""
        return await self._engine.read(remark, timeline_id)

    async def open_severities(self) -> dict[Severity, int]:
        """Return how many incidents of each severity are open."""
        return await self._engine.read(open_severities)

    async def incident_counts(self) -> dict[str, int]:
        """Return how many incidents stand in each status."""
        return await self._engine.read(counts)

    async def record_gateway_use(
        self, incident_id: int, text: str, user: str, now: datetime
    ) -> None:
        """Add to the incident's story that a person read from, or cancelled at, the gateway."""
        await self._write(append_event, incident_id, now, "gateway", text, user)

    async def note(
        self, incident_id: int, text: str, user: str, now: datetime, once: str = ""
    ) -> Incident:
        """Keep a remark in the story and show it in the thread, once a key `once`."""
        return await self._write(note, incident_id, text, user, now, once)
