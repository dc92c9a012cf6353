"""Opens an incident with the first firing alert of its scope."""

from __future__ import annotations

from bot.incidents.correlation import IdentifiedAlert
from bot.incidents.model import IncidentStatus
from bot.incidents.ourselves import is_about_ourselves
from bot.incidents.subject import Scope
from bot.language import deferred
from bot.observability.events import Event
from store.log_events import log_event
from store.operations import advice, cascade_growth, cascades, incidents, proposing, senders
from store.operations.cascades import Placement
from store.operations.delivery_context import DeliveryContext
from store.operations.folding import INSERT_FIRING, ITS_ID, firing_values
from store.rows import dump_plain, subject_to_json
from store.statements import Operation, Statement, query, run, to_db_time, to_db_time_or_none

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
    """Open an incident with its alert, and return its id.

    1. Store the incident. 2. Store its alert as its own, and among those that fire. 3. Remember the
    SOP ID of the key. 4. Record the opening. 5. Show a child in its root's thread; a root gets its
    card, its advice and its proposals.
    """
    alert = identified_alert.alert
    channel = placement.channel or identified_alert.channel or arrival.channel
    values = _columns(identified_alert, arrival, placement, channel)
    rows = yield query(
        f"INSERT INTO incidents ({', '.join(values)}, shown_alert, previous_id)"  # noqa: S608 - constants
        f" VALUES ({senders.placeholders(values)}, {ITS_ID}, {_LAST_OF_ITS_SCOPE}) RETURNING id",
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
    yield _map_sop(identified_alert, arrival)
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
    yield from _show_root(incident_id, identified_alert, arrival, channel)
    return incident_id


def _show_root(
    incident_id: int, identified_alert: IdentifiedAlert, arrival: DeliveryContext, channel: str
) -> Operation[None]:
    severity = identified_alert.alert.severity
    yield from incidents.show_card(
        incident_id, channel, severity, arrival.now, sender=identified_alert.sender
    )
    if not is_about_ourselves(identified_alert.scope):
        yield from advice.enqueue(incident_id, "", "", severity, arrival.now)
    if identified_alert.sop_matched:
        yield from proposing.enqueue(incident_id, severity, f"sop:{incident_id}", arrival.now)


def _columns(
    identified_alert: IdentifiedAlert, arrival: DeliveryContext, placement: Placement, channel: str
) -> dict[str, object]:
    """Return the incident's columns as its first alert sets them."""
    alert, at = identified_alert.alert, to_db_time(arrival.now)
    began = alert.starts_at if alert.starts_at and alert.starts_at <= arrival.now else arrival.now
    return {
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


def _map_sop(identified_alert: IdentifiedAlert, arrival: DeliveryContext) -> Statement:
    """Remember the SOP ID of the incident key.

    A SOP ID that only the alert names never takes a key over: anybody may send any alert.
    """
    return run(
        "INSERT INTO sop_map (incident_key, sop_id, first_seen_at) VALUES (?, ?, ?)"
        " ON CONFLICT (incident_key) DO UPDATE SET sop_id = excluded.sop_id WHERE ? = 1",
        identified_alert.incident_key,
        identified_alert.sop_id,
        to_db_time(arrival.now),
        int(identified_alert.sop_matched),
    )
