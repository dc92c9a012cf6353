"""A resolve clears its alert; when nothing fires any more, its incident is resolved or held."""

from __future__ import annotations

from bot.incidents.correlation import IdentifiedAlert
from bot.observability.events import Event
from store.log_events import log_event
from store.operations import flapping, senders, verification
from store.operations.candidates import sent_time, since
from store.operations.delivery_context import DeliveryContext
from store.operations.folding import show_what_fires, stop_firing
from store.statements import Operation, Row, query, run, to_db_time


def _clear_by_name(incident_id: int, identified_alert: IdentifiedAlert) -> Operation[list[str]]:
    """Clear the only firing alert of that name. Returns its fingerprint, if there is one.

    A sender's resolve may read differently from its alert. If several alerts of the name fire, it
    is not known which one resolved, so none is cleared; nor is one that was sent, or began to fire,
    after this.
    """
    by_them, them = senders.by_them(identified_alert)
    name, at = identified_alert.alert.name, sent_time(identified_alert)
    began = since(identified_alert.alert)
    rows = yield query(
        "DELETE FROM firing WHERE incident_id = ? AND name = ? AND (? = '' OR told_at <= ?)"  # noqa: S608 - placeholders
        f" AND (? = '' OR starts_at <= ?) AND {by_them}"
        " AND 1 = (SELECT COUNT(*) FROM firing WHERE incident_id = ?"
        f" AND name = ? AND {by_them}) RETURNING fingerprint",
        incident_id,
        name,
        at,
        at,
        began,
        began,
        *them,
        incident_id,
        name,
        *them,
    )
    return [row["fingerprint"] for row in rows]


def clear(row: Row, identified_alert: IdentifiedAlert, arrival: DeliveryContext) -> Operation[None]:
    """An alert resolved: when nothing fires any more, so does its incident.

    Only the sender of what fires may clear it: anybody can say of any alert that it resolved.
    """
    yield log_event(
        Event.ALERT_CLEARED,
        row["id"],
        sop_id=row["sop_id"],
        tracking_id=identified_alert.tracking_id,
    )
    by_them, them = senders.by_them(identified_alert)
    theirs = yield query(
        f"SELECT 1 FROM firing WHERE incident_id = ? AND {by_them} LIMIT 1",  # noqa: S608 - placeholders
        row["id"],
        *them,
    )
    if not theirs:
        yield from senders.told_by_another(row, identified_alert, arrival.now)
        return
    keys = [row["replaces"]] if row["replaces"] else senders.keys(identified_alert)
    cleared: list[str] = []
    for key in keys:
        if (yield from stop_firing(row["id"], key)):
            cleared.append(key)
    if not cleared:
        cleared = yield from _clear_by_name(row["id"], identified_alert)
    if cleared:
        yield from verification.cleared(row["id"], cleared, arrival.now)
    left = yield query("SELECT COUNT(*) AS n FROM firing WHERE incident_id = ?", row["id"])
    if left[0]["n"] == 0:
        yield from flapping.close_or_hold(
            row["id"], arrival.now, arrival.correlate, arrival.override_of("flapping_changes")
        )
        return
    yield run(
        "UPDATE incidents SET firing = ?, updated_at = ? WHERE id = ?",
        left[0]["n"],
        to_db_time(arrival.now),
        row["id"],
    )
    yield from show_what_fires(row, arrival)
