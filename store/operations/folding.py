"""Folds a firing alert into an incident that is open."""

from __future__ import annotations

from datetime import datetime

from bot.incidents.correlation import IdentifiedAlert
from bot.incidents.model import Alert, Severity
from bot.incidents.subject import Scope
from bot.language import deferred
from bot.observability.events import Event
from store.incident_rows import scope_from
from store.log_events import log_event
from store.operations import (
    cascades,
    flapping,
    grouping,
    incidents,
    news,
    senders,
    verification,
)
from store.operations.candidates import is_older, sent_time, since
from store.operations.delivery_context import DeliveryContext
from store.statements import (
    Operation,
    Row,
    Statement,
    execute,
    run,
    to_db_time,
)

# The id of the alert that is being stored, by its dedup_key: no round trip is needed for it.
ITS_ID = "(SELECT id FROM alerts WHERE dedup_key = ?)"

INSERT_FIRING = (
    "INSERT INTO firing (fingerprint, sender, incident_id, name, severity, starts_at, told_at,"  # noqa: S608 - constants
    f" first_alert, last_alert, came_at) VALUES (?, ?, ?, ?, ?, ?, ?, {ITS_ID}, {ITS_ID}, ?)"
    " ON CONFLICT DO NOTHING"
)


def firing_values(
    incident_id: int, identified_alert: IdentifiedAlert, now: datetime
) -> tuple[object, ...]:
    """Return the values of `INSERT_FIRING`."""
    alert = identified_alert.alert
    return (
        senders.key(alert, identified_alert.sender),
        identified_alert.sender,
        incident_id,
        alert.name,
        str(alert.severity),
        since(alert),
        sent_time(identified_alert),
        identified_alert.dedup_key,
        identified_alert.dedup_key,
        to_db_time(now),
    )


def stop_firing(incident_id: int, key: str) -> Operation[int]:
    """Remove the alert of that key from those that fire; return 0 if it did not fire."""
    count: int = yield execute(
        "DELETE FROM firing WHERE incident_id = ? AND fingerprint = ?", incident_id, key
    )
    return count


COUNT = (
    "UPDATE incidents SET alert_count = alert_count + ?, firing = firing + ?, updated_at = ?,"  # noqa: S608 - constants
    f" {cascades.GREW} WHERE id = ?"
)
"""Adds to the counts of an incident: alerts that were folded, also of one that fires there already
(with another severity or start), and those that begin to fire."""


def fold(
    row: Row, identified_alert: IdentifiedAlert, arrival: DeliveryContext, *, may_fire: bool
) -> Operation[None]:
    """Fold one more firing alert into an open incident.

    1. Stop the earlier version of an edited message. 2. Store the alert among those that fire, or
    update it if it is not older. 3. Narrow the incident's scope. 4. Count it: the window in which
    the incident's cascade grows begins anew. 5. Enqueue the card; the incident shows its most
    severe alert.

    `may_fire`: an alert of its key may fire there already, though it is not this one.
    """
    alert = identified_alert.alert
    is_new = replaced = 0
    if row["replaces"]:
        replaced = yield from stop_firing(row["id"], row["replaces"])
        key = senders.key(alert, identified_alert.sender)
        yield from verification.replaced(row["id"], row["replaces"], key, identified_alert.sender)
    if not row["fires"]:
        is_new = yield from _insert_firing(
            row, identified_alert, arrival.now, may_fire=may_fire or bool(replaced)
        )
    elif not is_older(identified_alert, row):
        yield _update_firing(row, identified_alert)
    yield from _narrow_scope(row, identified_alert)
    yield run(
        COUNT,
        1,
        is_new - replaced,
        to_db_time(arrival.now),
        *cascades.grew(identified_alert, arrival.now, is_new=is_new > replaced),
        row["id"],
    )
    if is_new and row["flapping_changes"] and not row["firing"]:
        yield from flapping.fires_again(row["id"], arrival.now)
    if is_new and not replaced and is_shown_after(row, alert, arrival.now):
        yield from incidents.show_card(
            row["id"],
            row["channel"],
            Severity(row["severity"]),
            arrival.now,
            delay=arrival.correlate.card_update_seconds,
        )
    else:
        yield from show_what_fires(row, arrival)


def _insert_firing(
    row: Row, identified_alert: IdentifiedAlert, now: datetime, *, may_fire: bool
) -> Operation[int]:
    """Store the alert among those that fire; 0 if one of its key fires there already."""
    is_new = 1
    values = firing_values(row["id"], identified_alert, now)
    if may_fire:
        is_new = yield execute(INSERT_FIRING, *values)
    else:
        yield run(INSERT_FIRING, *values)
    if row["was_acted_on"]:
        key = senders.key(identified_alert.alert, identified_alert.sender)
        yield from verification.fires_again(row["id"], key)
    return is_new


def narrowed(before: Scope, identified_alert: IdentifiedAlert) -> Scope | None:
    """Return the scope of an incident with what only the alert knows; None if that is nothing."""
    after = before.narrowed_by(identified_alert.scope)
    return None if after == before or after.service != identified_alert.scope.service else after


def _narrow_scope(row: Row, identified_alert: IdentifiedAlert) -> Operation[None]:
    """Let the incident learn the environment, region or place that it does not know yet.

    Unless another open incident of its SOP ID has exactly that scope.
    """
    after = narrowed(scope_from(row), identified_alert)
    if after is None:
        return
    scope = (after.env, after.region, after.place)
    yield run(
        "UPDATE incidents SET scope_env = ?, scope_region = ?, scope_place = ? WHERE id = ?"
        " AND NOT EXISTS (SELECT 1 FROM incidents o WHERE o.sop_id = ? AND o.scope_env = ?"
        " AND o.scope_region = ? AND o.scope_service = ? AND o.scope_place = ?"
        " AND o.scope_category = ?"
        " AND o.status IN ('open', 'acknowledged'))",
        *scope,
        row["id"],
        row["sop_id"],
        after.env,
        after.region,
        after.service,
        after.place,
        after.category,
    )


def _update_firing(row: Row, identified_alert: IdentifiedAlert) -> Statement:
    """Update the firing alert of this key to its newest message."""
    alert = identified_alert.alert
    return run(
        "UPDATE firing SET name = ?, severity = ?, starts_at = ?, told_at = ?,"  # noqa: S608 - constants
        f" last_alert = {ITS_ID}"
        " WHERE fingerprint = ? AND incident_id = ?",
        alert.name,
        alert.severity,
        since(alert),
        sent_time(identified_alert),
        identified_alert.dedup_key,
        row["fired_key"],
        row["id"],
    )


def is_shown_after(row: Row, alert: Alert, now: datetime) -> bool:
    """Return whether an alert that begins to fire is behind the one that its incident shows.

    What is shown fires, and is the first by severity and start (`grouping.show_most_severe`); of
    equal ones the one that was stored first. So one more alert behind it changes nothing.
    """
    if row["severity_by"] or not (row["firing"] and row["shown_since"]):
        return False
    shown: tuple[int, str] = (Severity(row["severity"]).rank, row["shown_since"])
    return shown <= (alert.severity.rank, since(alert) or to_db_time(now))


def show_what_fires(row: Row, arrival: DeliveryContext) -> Operation[None]:
    """The incident shows its most severe firing alert; its card follows."""
    before = Severity(row["severity"])
    severity = (yield from grouping.show_most_severe(row["id"])) or before
    changed = severity is not before
    if changed:
        yield log_event(
            Event.INCIDENT_SEVERITY, row["id"], before=str(before), severity=str(severity)
        )
        text = deferred("Severity {before} → {severity}", before=before, severity=severity)
        yield from incidents.append_event(row["id"], arrival.now, "severity", text)
        yield from news.got_worse(row["id"], before, severity, arrival.now)
    yield from incidents.show_card(
        row["id"],
        row["channel"],
        severity,
        arrival.now,
        delay=0 if changed else arrival.correlate.card_update_seconds,
    )
