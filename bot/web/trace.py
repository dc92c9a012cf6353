"""GET /api/v3/trace/{tracking_id}: the history of one alert, only from the store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web

from bot.errors import NotFound
from bot.incidents.trace import Stage
from bot.web.times import rfc3339_or_none
from store import Store
from store.rows import TracedAlert


async def trace(store: Store, tracking_id: str) -> dict[str, Any]:
    """Return the alerts with this id, their incident, its stages. NotFound for an unknown id."""
    alerts = await store.trace(tracking_id)
    if not alerts:
        return await _question(store, tracking_id)
    original = alerts[0].tracking_id
    incident_id = next((alert.incident_id for alert in alerts if alert.incident_id), None)
    repeated = await store.repeats_of(original)
    stages = await store.stages(original, incident_id)
    return {
        "tracking_id": tracking_id,
        "repeats_of": original if original != tracking_id else None,
        "alerts": [_traced(alert) for alert in alerts],
        "repeats": repeated.count if repeated else 0,
        "last_repeat_at": rfc3339_or_none(repeated.last_at if repeated else None),
        "incident": await _incident(store, incident_id) if incident_id else None,
        "stages": [_shown(stage, stages[0].at) for stage in stages],
    }


async def _incident(store: Store, incident_id: int) -> dict[str, Any]:
    incident = await store.incident(incident_id)
    return {
        "number": incident.number,
        "status": incident.status,
        "severity": incident.severity,
        "title": incident.title,
        "incident_key": incident.incident_key,
        "sop_id": incident.sop_id,
        "alert_count": incident.alert_count,
        "opened_at": rfc3339_or_none(incident.opened_at),
        "acknowledged_at": rfc3339_or_none(incident.acknowledged_at),
        "resolved_at": rfc3339_or_none(incident.resolved_at),
        "resolution": incident.resolution,
        "previous_id": incident.previous_id,
        "fixed_by": incident.fixed_by or None,
    }


def _shown(stage: Stage, began: datetime) -> dict[str, Any]:
    return {
        "stage": stage.name,
        "at": rfc3339_or_none(stage.at),
        "after_ms": round((stage.at - began).total_seconds() * 1000, 1),
        "text": stage.text,
        "actor": stage.actor,
    }


def _traced(alert: TracedAlert) -> dict[str, Any]:
    return {
        "source": alert.source,
        "status": alert.status,
        "name": alert.name,
        "severity": alert.severity,
        "fingerprint": alert.fingerprint,
        "received_at": rfc3339_or_none(alert.received_at),
        "incident": f"INC-{alert.incident_id}" if alert.incident_id else None,
        "reason": alert.reason,
        "facts": dict(alert.facts),
        "read_from": dict(alert.read_from),
    }


async def unmatched(store: Store) -> dict[str, Any]:
    """Return the newest resolves that matched no open incident, and the newest such activities."""
    return {
        "activities": [
            {
                "source": item.source,
                "sender": item.sender,
                "received_at": rfc3339_or_none(item.received_at),
                "kind": item.kind,
                "actor": item.actor,
                "text": item.text,
                "fingerprint": item.fingerprint,
            }
            for item in await store.unmatched_activities(100)
        ],
        "resolves": [
            {
                "tracking_id": item.tracking_id,
                "sender": item.sender,
                "received_at": rfc3339_or_none(item.received_at),
                "source": item.alert.source,
                "name": item.alert.name,
                "title": item.alert.title,
                "env": item.alert.env,
                "service": item.alert.service,
                "fingerprint": item.alert.fingerprint,
            }
            for item in await store.unmatched_resolves(100)
        ],
    }


async def _question(store: Store, tracking_id: str) -> dict[str, Any]:
    """Return the trace of a question without an alert."""
    question = await store.question(tracking_id)
    if question is None:
        raise NotFound("No alert and no question has this tracking id.")
    about = f"a question about {question.incident_key}, {question.sop_id}"
    stages = [Stage(question.asked_at, "asked", about)]
    if question.answered_at:
        stages.append(Stage(question.answered_at, "answered", f"by {question.source}"))
    return {
        "tracking_id": tracking_id,
        "alerts": [],
        "incident": None,
        "stages": [_shown(stage, question.asked_at) for stage in stages],
    }


def unmatched_route(store: Store) -> Any:
    """Return the handler of GET /api/v3/unmatched."""

    async def handle(_request: web.Request) -> web.Response:
        return web.json_response(await unmatched(store))

    return handle


def trace_route(store: Store) -> Any:
    """Return the handler."""

    async def handle(request: web.Request) -> web.Response:
        return web.json_response(await trace(store, request.match_info["tracking_id"]))

    return handle
