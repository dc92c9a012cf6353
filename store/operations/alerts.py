"""Alerts in: written once, folded into the right incident, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.incidents.correlation import Decision, IdentifiedAlert, Reason, Verdict, decide
from bot.incidents.model import Alert, AlertStatus, UnmatchedResolve
from bot.observability.events import Event
from store.log_events import log_event
from store.operations import folding, stale
from store.operations.candidates import (
    candidate,
    candidates,
    is_overtaken,
    is_unchanged,
    lock_scopes,
    open_for,
    sent_time,
)
from store.operations.deliveries import insert
from store.operations.folding import DeliveryContext
from store.operations.part import Part
from store.rows import Receipt, TracedAlert, alert_from_json, alert_to_json, digest_of_shared
from store.statements import (
    Operation,
    Row,
    Statement,
    from_db_time,
    query,
    run,
    starting_with,
    to_db_time,
    together,
)

# A person who resolves an incident knows more than the sender, whose next reminder may be a minute
# away: it must not undo their word at once. What still fires after this long is worth saying again.
QUIET_AFTER_RESOLVE = timedelta(minutes=15)


def accept(
    key: str, named: Sequence[IdentifiedAlert], arrival: DeliveryContext
) -> Operation[Receipt]:
    """Write and correlate every alert of one delivery, or recognise it as seen.

    1. Store the delivery's key, lock the alerts' scopes, and read what the first alert could join,
    in one round trip. 2. Store what the alerts share. 3. Take in each alert.
    """
    # The first alert's candidates come along, though a delivery that was seen needs none.
    ahead = [lock_scopes(named), open_for(named[0])] if named else []
    inserted, *read = yield from together(insert(key, arrival.now), *ahead)
    if not inserted:
        known = yield from _is_stored(named)
        yield log_event(Event.ALERT_REPEATED, alerts=len(named), tracking_id=", ".join(known[:5]))
        return Receipt(0, len(named), known, (), ())
    rows = read[-1] if read else None
    written: list[str] = []
    touched: list[int] = []
    opened: list[int] = []
    yield from _keep_shared_parts(named, arrival.now)
    for item in named:
        outcome = yield from _accept_one(item, arrival, rows)
        rows = None  # what is open changes with each alert
        if outcome is None:
            continue
        written.append(item.tracking_id)
        incident_id, is_new = outcome
        if incident_id is not None:
            touched.append(incident_id)
            if is_new:
                opened.append(incident_id)
    return Receipt(
        len(written), len(named) - len(written), tuple(written), tuple(touched), tuple(opened)
    )


def _keep_shared_parts(named: Sequence[IdentifiedAlert], now: datetime) -> Operation[None]:
    """Once a delivery, and once for every delivery that shares the same; it is seen now."""
    for text in sorted({item.alert.raw_shared for item in named} - {""}):
        yield run(
            "INSERT INTO shared_parts (digest, body, seen_at) VALUES (?, ?, ?)"
            " ON CONFLICT (digest) DO UPDATE SET seen_at = excluded.seen_at",
            digest_of_shared(text),
            text,
            to_db_time(now),
        )


def _is_stored(named: Sequence[IdentifiedAlert]) -> Operation[tuple[str, ...]]:
    """The tracking ids that were given the first time: the new ones lead to nothing."""
    known: list[str] = []
    for item in named:
        rows = yield query("SELECT tracking_id FROM alerts WHERE dedup_key = ?", item.dedup_key)
        known.extend(row["tracking_id"] for row in rows)
    return tuple(known)


def _accept_one(
    identified_alert: IdentifiedAlert, arrival: DeliveryContext, rows: list[Row] | None
) -> Operation[tuple[int | None, bool] | None]:
    """(incident id or None, opened), or None when this very alert is stored already.

    `rows` are the candidates that were read just now.
    """
    result = yield from candidates(identified_alert, rows)
    if result.is_stored:
        return None
    decision = decide(identified_alert, map(candidate, result.rows))
    row = next((row for row in result.rows if row["id"] == decision.incident_id), None)
    if row is not None:
        yield from stale.alert_came(row, arrival.now)
    if (yield from _is_repetition(identified_alert, decision, row, arrival.now)):
        return None
    if is_overtaken(identified_alert, row, result.resolves):
        decision, row = Decision(Verdict.NOTHING_OPEN, None, Reason.OVERTAKEN), None
    alert = identified_alert.alert
    yield run(
        "INSERT INTO alerts (dedup_key, incident_id, source, status, name, severity, fingerprint,"
        " tracking_id, reason, told_at, received_at, sender, body, shared)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        identified_alert.dedup_key,
        decision.incident_id,
        alert.source,
        alert.status,
        alert.name,
        alert.severity,
        alert.fingerprint,
        identified_alert.tracking_id,
        decision.reason,
        sent_time(identified_alert),
        to_db_time(arrival.now),
        identified_alert.sender,
        alert_to_json(alert),
        digest_of_shared(alert.raw_shared) if alert.raw_shared else "",
    )
    yield log_event(
        Event.ALERT_ACCEPTED,
        tracking_id=identified_alert.tracking_id,
        sop_id=identified_alert.sop_id,
        source=alert.source,
        status=str(alert.status),
        severity=str(alert.severity),
    )
    if decision.verdict is Verdict.OPEN:
        incident_id = yield from folding.open_new(identified_alert, arrival)
        return incident_id, True
    if row is None:
        return None, False
    if alert.status is AlertStatus.RESOLVED:
        yield log_event(
            Event.ALERT_CLEARED,
            decision.incident_id,
            sop_id=row["sop_id"],
            tracking_id=identified_alert.tracking_id,
        )
        yield from folding.clear(row, identified_alert, arrival)
    else:
        yield log_event(
            Event.ALERT_FOLDED,
            decision.incident_id,
            sop_id=row["sop_id"],
            tracking_id=identified_alert.tracking_id,
            why=decision.reason,
        )
        may_fire = row["id"] in result.with_its_key
        yield from folding.fold(row, identified_alert, arrival, may_fire=may_fire)
    return decision.incident_id, False


def _is_repetition(
    identified_alert: IdentifiedAlert, decision: Decision, row: Row | None, now: datetime
) -> Operation[bool]:
    """Return whether a sender that repeats itself only says what is known already.

    A changed severity or start, a resolve of what fires, and firing again after a resolve are
    news. `row` is the incident that the alert would join.
    """
    if not identified_alert.series_key:
        return False
    alert = identified_alert.alert
    firing = alert.status is AlertStatus.FIRING
    if row is not None and row["fires"]:
        return firing and is_unchanged(row, alert)
    if firing and decision.verdict is Verdict.JOIN:
        return False
    # The + keeps SQLite from walking the whole table backwards by id instead of using the range.
    rows = yield query(
        "SELECT a.status, a.severity, a.incident_id, i.resolved_by, i.resolved_at FROM alerts a"
        " LEFT JOIN incidents i ON i.id = a.incident_id"
        " WHERE a.dedup_key >= ? AND a.dedup_key < ? AND a.source = ? AND a.fingerprint = ?"
        " ORDER BY +a.id DESC LIMIT 1",
        *starting_with(identified_alert.series_key),
        alert.source,
        alert.fingerprint,
    )
    if not rows or rows[0]["status"] != alert.status:
        return False
    last = rows[0]
    if not firing:
        return decision.incident_id in (None, last["incident_id"])
    return (
        last["severity"] == alert.severity
        and bool(last["resolved_by"])
        and now < from_db_time(last["resolved_at"]) + QUIET_AFTER_RESOLVE
    )


def latest(incident_id: int) -> Operation[Alert | None]:
    """The newest firing alert of an incident."""
    return latest_from((yield reading_latest(incident_id)))


def reading_latest(incident_id: int) -> Statement:
    """Reads the newest firing alert of an incident, for `latest_from`."""
    return query(
        "SELECT body FROM alerts WHERE incident_id = ? AND status = 'firing'"
        " ORDER BY id DESC LIMIT 1",
        incident_id,
    )


def latest_from(rows: Sequence[Row]) -> Alert | None:
    """The alert that `reading_latest` has read."""
    return alert_from_json(rows[0]["body"]) if rows else None


def trace(tracking_id: str) -> Operation[list[TracedAlert]]:
    """Every alert that carries this tracking id."""
    rows = yield query("SELECT * FROM alerts WHERE tracking_id = ? ORDER BY id", tracking_id)
    return [
        TracedAlert(
            row["tracking_id"],
            row["source"],
            row["status"],
            row["name"],
            row["severity"],
            row["fingerprint"],
            row["reason"],
            from_db_time(row["received_at"]),
            row["incident_id"],
        )
        for row in rows
    ]


def unmatched(limit: int) -> Operation[list[UnmatchedResolve]]:
    """The newest resolves that matched no open incident."""
    rows = yield query(
        "SELECT tracking_id, received_at, sender, body FROM alerts"
        " WHERE incident_id IS NULL AND status = 'resolved' AND reason = ?"
        " ORDER BY id DESC LIMIT ?",
        Reason.NOTHING_TO_CLOSE,
        limit,
    )
    return [
        UnmatchedResolve(
            row["tracking_id"],
            row["sender"],
            from_db_time(row["received_at"]),
            alert_from_json(row["body"]),
        )
        for row in rows
    ]


class AlertsPart(Part):
    """The methods of `Store` for alerts."""

    async def accept(
        self,
        key: str,
        named: Sequence[IdentifiedAlert],
        *,
        channel: str,
        now: datetime,
        posted: bool = True,
    ) -> Receipt:
        """Write every alert of one delivery and fold it into its incident, all or nothing.

        The second call with the same `key` changes nothing; so does an alert whose dedup_key is
        stored, and a reminder (`series_key`) of what fires unchanged, or of what a person resolved
        less than 15 minutes ago. `channel` is where a new incident's card goes; `posted`:
        the sender's own message stands there.
        """
        gather = self.config.current.policy.correlate.card_update_seconds
        arrival = DeliveryContext(channel, now, gather, posted)
        return await self._write(accept, key, named, arrival)

    async def latest_alert(self, incident_id: int) -> Alert | None:
        """The newest firing alert of an incident."""
        return await self._engine.read(latest, incident_id)

    async def unmatched_resolves(self, limit: int = 10) -> list[UnmatchedResolve]:
        """The newest resolves that matched no open incident, newest first."""
        return await self._engine.read(unmatched, limit)

    async def trace(self, tracking_id: str) -> list[TracedAlert]:
        """Every alert that carries this tracking id, oldest first."""
        return await self._engine.read(trace, tracking_id)
