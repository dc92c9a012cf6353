"""Writes alerts, with what arrived and the decision about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.incidents.correlation import (
    Decision,
    IdentifiedAlert,
)
from bot.observability.events import Event
from store.log_events import LogEvent, log_events
from store.operations.candidates import (
    sent_time,
)
from store.operations.delivery_context import DeliveryContext
from store.rows import (
    alert_to_json,
    decision_to_json,
    digest_of_shared,
)
from store.statements import (
    Operation,
    run,
    run_many,
    to_db_time,
    to_db_time_or_none,
)


def keep_shared_parts(named: Sequence[IdentifiedAlert], now: datetime) -> Operation[None]:
    """Once a delivery, and once for every delivery that shares the same; it is seen now."""
    at = to_db_time(now)
    texts = sorted({item.alert.raw_shared for item in named} - {""})
    if texts:
        yield run_many(
            "INSERT INTO shared_parts (digest, body, seen_at) VALUES (?, ?, ?)"
            " ON CONFLICT (digest) DO UPDATE SET seen_at = excluded.seen_at",
            [(digest_of_shared(text), text, at) for text in texts],
        )


def insert(
    identified_alert: IdentifiedAlert, decision: Decision, arrival: DeliveryContext
) -> Operation[None]:
    """Store the alert with the decision about it."""
    yield run(INSERT, *values(identified_alert, decision, decision_to_json(decision), arrival))
    yield log_events([accepted(identified_alert)])


INSERT = (
    "INSERT INTO alerts (dedup_key, incident_id, source, status, name, severity, fingerprint,"
    " tracking_id, reason, told_at, received_at, sender, body, shared, decision,"
    " arrived_at, written_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def values(
    identified_alert: IdentifiedAlert,
    decision: Decision,
    decision_text: str,
    arrival: DeliveryContext,
) -> tuple[object, ...]:
    """Return the values of `INSERT`; `decision_text` is `decision_to_json` of the decision."""
    # Plain types: for an enumeration sqlite3 looks for an adapter each time.
    alert = identified_alert.alert
    return (
        identified_alert.dedup_key,
        decision.incident_id,
        alert.source,
        str(alert.status),
        alert.name,
        str(alert.severity),
        alert.fingerprint,
        identified_alert.tracking_id,
        str(decision.reason),
        sent_time(identified_alert),
        to_db_time(arrival.now),
        identified_alert.sender,
        alert_to_json(alert),
        digest_of_shared(alert.raw_shared) if alert.raw_shared else "",
        decision_text,
        to_db_time_or_none(arrival.arrived_at),
        to_db_time_or_none(arrival.written_at()),
    )


def accepted(identified_alert: IdentifiedAlert) -> LogEvent:
    """Return the log event that the alert is stored."""
    alert = identified_alert.alert
    return LogEvent(
        Event.ALERT_ACCEPTED,
        None,
        {
            "tracking_id": identified_alert.tracking_id,
            "sop_id": identified_alert.sop_id,
            "source": alert.source,
            "status": str(alert.status),
            "severity": str(alert.severity),
        },
    )
