"""Folds a firing alert into its incident: opens it, or joins it."""

from __future__ import annotations

from datetime import datetime

from bot.incidents.correlation import IdentifiedAlert
from bot.incidents.model import Alert, IncidentStatus, Severity
from bot.incidents.ourselves import is_about_ourselves
from bot.incidents.subject import Scope
from bot.language import deferred
from bot.observability.events import Event
from store.incident_rows import scope_from
from store.log_events import log_event
from store.operations import (
    advice,
    cascade_growth,
    cascades,
    flapping,
    grouping,
    incidents,
    news,
    proposing,
    senders,
    verification,
)
from store.operations.candidates import is_older, sent_time, since
from store.operations.cascades import Placement
from store.operations.delivery_context import DeliveryContext
from store.rows import dump_plain, subject_to_json
from store.statements import (
    Operation,
    Row,
    Statement,
    execute,
    query,
    run,
    to_db_time,
    to_db_time_or_none,
)

# The id of the alert that is being stored, by its dedup_key: no round trip is needed for it.
_ITS_ID = "(SELECT id FROM alerts WHERE dedup_key = ?)"


_LAST_OF_ITS_SCOPE = (
    "(SELECT p.id FROM incidents p WHERE p.scope_service = ? AND p.scope_category = ?"
    " AND p.scope_env = ? AND p.scope_region = ? AND p.scope_place = ?"
    " AND p.resolved_at IS NOT NULL ORDER BY p.resolved_at DESC LIMIT 1)"
)


def _place_of(scope: Scope) -> tuple[str, ...]:
    return scope.service, scope.category, scope.env, scope.region, scope.place


def open_new(
    identified_alert: IdentifiedAlert, arrival: DeliveryContext, placement: Placement
) -> Operation[int]:
    """Open an incident with its alert. A root gets its card and its advice. Returns its id."""
    alert = identified_alert.alert
    channel = placement.channel or identified_alert.channel or arrival.channel
    at = to_db_time(arrival.now)
    began = alert.starts_at if alert.starts_at and alert.starts_at <= arrival.now else arrival.now
    values = {
        "incident_key": identified_alert.incident_key,
        "sop_id": identified_alert.sop_id,
        **_scope_columns(identified_alert),
        "status": IncidentStatus.OPEN,
        "severity": alert.severity,
        "title": alert.title,
        "env": alert.env,
        "region": alert.region,
        "service": alert.service,
        "category": alert.category,
        "channel": channel,
        "source": alert.source,
        "alert_count": 1,
        "firing": 1,
        "value": alert.value,
        "threshold": alert.threshold,
        "text": alert.text,
        "labels": dump_plain(dict(alert.labels)),
        "links": dump_plain([(link.label, link.url) for link in alert.links]),
        "tracking_id": identified_alert.tracking_id,
        "opened_at": to_db_time(began),
        "updated_at": at,
        "posted": int(arrival.posted),
        "shown_env": alert.env,
        "shown_region": alert.region,
        "shown_service": alert.service,
        "shown_since": to_db_time_or_none(alert.starts_at) or at,
        "last_active_at": at,
        **cascades.columns(placement),
        "created_at": at,
    }
    rows = yield query(
        f"INSERT INTO incidents ({', '.join(values)}, shown_alert, previous_id)"  # noqa: S608 - constants
        f" VALUES ({senders.placeholders(values)}, {_ITS_ID}, {_LAST_OF_ITS_SCOPE}) RETURNING id",
        *values.values(),
        identified_alert.dedup_key,
        *_place_of(identified_alert.scope),
    )
    incident_id: int = rows[0]["id"]
    yield run(
        "UPDATE alerts SET incident_id = ? WHERE dedup_key = ?",
        incident_id,
        identified_alert.dedup_key,
    )
    yield run(INSERT_FIRING, *firing_values(incident_id, identified_alert, arrival.now))
    # A SOP ID that only the alert names never takes a key over: anybody may send any alert.
    yield run(
        "INSERT INTO sop_map (incident_key, sop_id, first_seen_at) VALUES (?, ?, ?)"
        " ON CONFLICT (incident_key) DO UPDATE SET sop_id = excluded.sop_id WHERE ? = 1",
        identified_alert.incident_key,
        identified_alert.sop_id,
        at,
        int(identified_alert.sop_matched),
    )
    yield from incidents.append_event(
        incident_id, arrival.now, "opened", deferred("Opened by {source}", source=alert.source)
    )
    yield log_event(
        Event.INCIDENT_OPENED,
        incident_id,
        sop_id=identified_alert.sop_id,
        tracking_id=identified_alert.tracking_id,
        severity=str(alert.severity),
        channel=channel,
    )
    if placement.root_id is not None:
        yield from cascade_growth.grow(
            incident_id,
            placement,
            arrival.calls,
            arrival.now,
            arrival.correlate.card_update_seconds,
        )
        return incident_id
    yield from incidents.show_card(
        incident_id, channel, alert.severity, arrival.now, sender=identified_alert.sender
    )
    if not is_about_ourselves(identified_alert.scope):
        yield from advice.enqueue(incident_id, "", "", alert.severity, arrival.now)
    if identified_alert.sop_matched:
        yield from proposing.enqueue(incident_id, alert.severity, f"sop:{incident_id}", arrival.now)
    return incident_id


def _scope_columns(identified_alert: IdentifiedAlert) -> dict[str, str]:
    """Return the columns by which other alerts find the incident, and what it is about."""
    scope, subject = identified_alert.scope, identified_alert.subject
    return {
        "scope_env": scope.env,
        "scope_region": scope.region,
        "scope_service": scope.service,
        "scope_category": scope.category,
        "scope_place": scope.place,
        "subject": subject_to_json(subject),
        "runs_on": subject.runs_on,
        "zone": subject.zone,
    }


INSERT_FIRING = (
    "INSERT INTO firing (fingerprint, sender, incident_id, name, severity, starts_at, told_at,"  # noqa: S608 - constants
    f" first_alert, last_alert, came_at) VALUES (?, ?, ?, ?, ?, ?, ?, {_ITS_ID}, {_ITS_ID}, ?)"
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


def narrowed(row: Row, identified_alert: IdentifiedAlert) -> Scope | None:
    """Return the scope of an incident with what only the alert knows; None if that is nothing."""
    before = scope_from(row)
    after = before.narrowed_by(identified_alert.scope)
    return None if after == before or after.service != identified_alert.scope.service else after


def _narrow_scope(row: Row, identified_alert: IdentifiedAlert) -> Operation[None]:
    """Let the incident learn the environment, region or place that it does not know yet.

    Unless another open incident of its SOP ID has exactly that scope.
    """
    after = narrowed(row, identified_alert)
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
        f" last_alert = {_ITS_ID}"
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
