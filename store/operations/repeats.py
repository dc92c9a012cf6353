"""Messages that say only what is stored already: redelivered ones, and a sender's reminders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.incidents.correlation import Decision, IdentifiedAlert, Verdict
from bot.incidents.model import AlertStatus
from store.operations import senders
from store.operations.candidates import is_unchanged
from store.operations.delivery_context import DeliveryContext
from store.receipts import AlertOutcome
from store.statements import (
    Operation,
    Row,
    from_db_time,
    query,
    run_many,
    starting_with,
    to_db_time,
)


def stored_before(
    named: Sequence[IdentifiedAlert],
) -> Operation[tuple[tuple[str, ...], tuple[AlertOutcome, ...]]]:
    """The tracking ids that were given the first time, and the outcomes.

    The new tracking ids lead to nothing.
    """
    known: list[str] = []
    outcomes: list[AlertOutcome] = []
    for item in named:
        rows = yield query(
            "SELECT tracking_id, incident_id, reason FROM alerts WHERE dedup_key = ?",
            item.dedup_key,
        )
        known.extend(row["tracking_id"] for row in rows)
        outcomes.append(_outcome_of_repeat(rows))
    return tuple(known), tuple(outcomes)


def stored_outcome(identified_alert: IdentifiedAlert) -> Operation[AlertOutcome]:
    """The outcome of this very alert, which is stored already."""
    _, outcomes = yield from stored_before([identified_alert])
    return outcomes[0]


def _outcome_of_repeat(rows: Sequence[Row]) -> AlertOutcome:
    """The outcome of the message that was repeated; without an incident if it was not stored."""
    if not rows:
        return AlertOutcome(None, "", is_repeat=True)
    return AlertOutcome(rows[0]["incident_id"], rows[0]["reason"], is_repeat=True)


def repeated(
    identified_alert: IdentifiedAlert,
    decision: Decision,
    row: Row | None,
    arrival: DeliveryContext,
) -> Operation[AlertOutcome | None]:
    """Return the outcome of the message that this one repeats; None if this one is news.

    A changed severity or start, a resolve of what fires, and firing again after a resolve are
    news. A person who resolves an incident knows more than the sender, whose next reminder may be a
    minute away: it must not undo their word at once. `row` is the incident that the alert would
    join.
    """
    if not identified_alert.series_key:
        return None
    alert = identified_alert.alert
    firing = alert.status is AlertStatus.FIRING
    if row is not None and row["fires"]:
        if firing and is_unchanged(row, alert):
            return AlertOutcome(row["id"], decision.reason, is_repeat=True)
        return None
    if firing and decision.verdict is Verdict.JOIN:
        return None
    # The + keeps SQLite from walking the whole table backwards by id instead of using the range.
    rows = yield query(
        "SELECT a.status, a.severity, a.incident_id, a.reason, i.resolved_by, i.resolved_at"
        " FROM alerts a LEFT JOIN incidents i ON i.id = a.incident_id"
        " WHERE a.dedup_key >= ? AND a.dedup_key < ? AND a.source = ? AND a.fingerprint = ?"
        " ORDER BY +a.id DESC LIMIT 1",
        *starting_with(identified_alert.series_key),
        alert.source,
        alert.fingerprint,
    )
    if not rows or rows[0]["status"] != alert.status:
        return None
    last = rows[0]
    if firing:
        is_repeat = (
            last["severity"] == alert.severity
            and bool(last["resolved_by"])
            and arrival.now < from_db_time(last["resolved_at"]) + arrival.reopen_within
        )
    else:
        is_repeat = decision.incident_id in (None, last["incident_id"])
    return _outcome_of_repeat(rows) if is_repeat else None


def count(
    named: Sequence[IdentifiedAlert], outcomes: Sequence[AlertOutcome], now: datetime
) -> Operation[None]:
    """Count each repeat: one row for its alert and hour, however often it is repeated."""
    hour, at = to_db_time(hour_of(now)), to_db_time(now)
    counted = [
        (
            outcome.incident_id or 0,
            senders.key(item.alert, item.sender),
            hour,
            at,
            item.tracking_id,
        )
        for item, outcome in zip(named, outcomes, strict=True)
        if outcome.is_repeat
    ]
    if counted:
        yield run_many(
            "INSERT INTO repeats (incident_id, alert, hour, count, last_at, tracking_id)"
            " VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT (incident_id, alert, hour)"
            " DO UPDATE SET count = repeats.count + 1, last_at = excluded.last_at,"
            " tracking_id = excluded.tracking_id",
            counted,
        )


def hour_of(at: datetime) -> datetime:
    """Return the beginning of its hour."""
    return at.replace(minute=0, second=0, microsecond=0)
