"""GET /api/v3/trace/{tracking_id}: what became of one alert, from the store and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bot.errors import NotFound
from store import Store


def stamp(moment: datetime | None) -> str | None:
    """RFC 3339 UTC with milliseconds and Z."""
    if moment is None:
        return None
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


async def trace(store: Store, tracking_id: str) -> dict[str, Any]:
    """The alerts that carry the id, their incident, its story. NotFound for an unknown id."""
    alerts = await store.trace(tracking_id)
    if not alerts:
        return await _question(store, tracking_id)
    incident_id = next((one.incident_id for one in alerts if one.incident_id), None)
    found: dict[str, Any] = {
        "tracking_id": tracking_id,
        "alerts": [
            {
                "source": one.source,
                "status": one.status,
                "name": one.name,
                "severity": one.severity,
                "fingerprint": one.fingerprint,
                "received_at": stamp(one.received_at),
                "incident": f"INC-{one.incident_id}" if one.incident_id else None,
                "reason": one.reason,
            }
            for one in alerts
        ],
        "incident": None,
        "stages": [],
    }
    if incident_id is None:
        return found
    incident = await store.incident(incident_id)
    found["incident"] = {
        "number": incident.number,
        "status": incident.status,
        "severity": incident.severity,
        "title": incident.title,
        "incident_key": incident.incident_key,
        "sop_id": incident.sop_id,
        "alert_count": incident.alert_count,
        "opened_at": stamp(incident.opened_at),
        "acknowledged_at": stamp(incident.acknowledged_at),
        "resolved_at": stamp(incident.resolved_at),
        "fixed_by": incident.fixed_by or None,
    }
    found["stages"] = [
        {"stage": entry.kind, "at": stamp(entry.at), "text": entry.text, "actor": entry.actor}
        for entry in await store.timeline(incident_id)
    ]
    return found


async def _question(store: Store, tracking_id: str) -> dict[str, Any]:
    """A question that was asked without an alert."""
    question = await store.question(tracking_id)
    if question is None:
        raise NotFound("No alert and no question has this tracking id.")
    asked = f"a question about {question.incident_key}, {question.sop_id}"
    stages = [{"stage": "asked", "at": stamp(question.asked_at), "text": asked, "actor": ""}]
    if question.answered_at:
        by = f"by {question.source}"
        at = stamp(question.answered_at)
        stages.append({"stage": "answered", "at": at, "text": by, "actor": ""})
    return {"tracking_id": tracking_id, "alerts": [], "incident": None, "stages": stages}


def trace_route(store: Store) -> Any:
    """The handler."""

    async def handle(request: web.Request) -> web.Response:
        return web.json_response(await trace(store, request.match_info["tracking_id"]))

    return handle
