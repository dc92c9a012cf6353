"""GET /api/v3/incidents and /api/v3/incidents/{id}: incidents as they are, a page at a time."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from bot.errors import InputError, NotFound
from bot.incidents.model import Incident, IncidentStatus
from bot.web.times import rfc3339, rfc3339_or_none
from store import Store

MOST = 100  # incidents in a page, and alerts and events of one incident
DEFAULT = 50
_NUMBER = re.compile(r"(?:INC-?|#)?([0-9]{1,15})", re.IGNORECASE)


def incident_routes(store: Store) -> list[web.RouteDef]:
    """Return the two routes."""

    async def listed(request: web.Request) -> web.Response:
        query = request.query
        before = query.get("before")
        return web.json_response(
            await incident_page(
                store,
                _status(query.get("status", "all")),
                _limit(query.get("limit", str(DEFAULT))),
                None if before is None else _number(before, "before"),
            )
        )

    async def shown(request: web.Request) -> web.Response:
        text = request.match_info["incident"]
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise NotFound("There is no such incident.")
        return web.json_response(await incident_details(store, int(match[1])))

    return [
        web.get("/api/v3/incidents", listed),
        web.get("/api/v3/incidents/{incident}", shown),
    ]


async def incident_page(
    store: Store, status: IncidentStatus | None, limit: int, before: int | None
) -> dict[str, Any]:
    """Return a page, newest first; `next_before` asks for the next one, None at the end."""
    incidents = await store.incidents(status, limit=limit + 1, before=before)
    page = incidents[:limit]
    more = len(incidents) > limit
    return {
        "incidents": [summary(incident) for incident in page],
        "next_before": page[-1].id if more else None,
    }


async def incident_details(store: Store, incident_id: int) -> dict[str, Any]:
    """Return one incident with its newest alerts and events. NotFound for an unknown one."""
    incident = await store.incident(incident_id)
    alerts = await store.grouped_alerts(incident_id, limit=MOST)
    timeline = await store.timeline(incident_id, limit=MOST)
    approvals = await store.approvals_of(incident_id)
    return {
        **summary(incident),
        "text": incident.text,
        "value": incident.value,
        "threshold": incident.threshold,
        "labels": dict(incident.labels),
        "links": [{"label": link.label, "url": link.url} for link in incident.links],
        "alerts": [
            {
                "name": alert.name,
                "title": alert.title,
                "value": alert.value,
                "severity": alert.severity,
                "source": alert.source,
                "firing": alert.is_firing,
                "since": rfc3339(alert.since),
                "count": alert.count,
                "reason": alert.reason,
            }
            for alert in alerts.alerts
        ],
        "alerts_total": alerts.total,
        "timeline": [
            {
                "at": rfc3339(entry.at),
                "kind": entry.kind,
                "text": entry.text,
                "actor": entry.actor,
            }
            for entry in timeline
        ],
        "timeline_total": await store.timeline_total(incident_id),
        "approvals": [
            {
                "id": approval.id,
                "title": approval.proposal.title,
                "state": approval.state,
                "requested_at": rfc3339(approval.requested_at),
                "decided_at": rfc3339_or_none(approval.decided_at),
            }
            for approval in approvals[-MOST:]
        ],
    }


def summary(incident: Incident) -> dict[str, Any]:
    """Return what identifies an incident, and how it stands."""
    return {
        "id": incident.id,
        "number": incident.number,
        "status": incident.status,
        "severity": incident.severity,
        "title": incident.title,
        "env": incident.env,
        "region": incident.region,
        "service": incident.service,
        "category": incident.category,
        "source": incident.source,
        "incident_key": incident.incident_key,
        "sop_id": incident.sop_id,
        "tracking_id": incident.tracking_id,
        "alert_count": incident.alert_count,
        "firing": incident.firing,
        "opened_at": rfc3339(incident.opened_at),
        "updated_at": rfc3339(incident.updated_at),
        "acknowledged_at": rfc3339_or_none(incident.acknowledged_at),
        "acknowledged_by": incident.acknowledged_by or None,
        "resolved_at": rfc3339_or_none(incident.resolved_at),
        "resolution": incident.resolution,
        "previous_id": incident.previous_id,
        "resolved_by": incident.resolved_by or None,
        "fixed_by": incident.fixed_by or None,
    }


def _status(text: str) -> IncidentStatus | None:
    if text == "all":
        return None
    try:
        return IncidentStatus(text)
    except ValueError as error:
        known = ", ".join(["all", *IncidentStatus])
        raise InputError(f"status: must be one of {known}.", field="status") from error


def _limit(text: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= MOST:
        raise InputError(f"limit: must be a number from 1 to {MOST}.", field="limit")
    return int(text)


def _number(text: str, field: str) -> int:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise InputError(f"{field}: must be an incident number, as INC-7 or 7.", field=field)
    return int(match[1])
