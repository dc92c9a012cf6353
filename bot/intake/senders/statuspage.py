"""Atlassian Statuspage: the webhooks of a page's subscribers, for incidents and for components.

https://support.atlassian.com/statuspage/docs/enable-webhook-notifications/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert
from bot.intake import states
from bot.intake.drafting import Draft, activity_about
from bot.intake.fields import an_object, list_at, text_at, time_at, value_at, wrong
from bot.intake.reading import Activity, ActivityKind

_ENDS = ("resolved", "postmortem", "completed")
_MAINTENANCE = ("scheduled", "in_progress", "verifying")
_COMPONENT_SEVERITIES = {
    "major_outage": "critical",
    "partial_outage": "high",
    "degraded_performance": "medium",
}


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for an update of a page's incident or component."""
    return isinstance(body.get("page"), dict) and (
        {"status", "impact"} <= _keys(body.get("incident"))
        or {"component_update", "component"} <= body.keys()
    )


def parse_body(body: object) -> list[Alert | Activity]:
    """Parse one update; a planned maintenance is activity."""
    whole = an_object(body, "body")
    page = text_at(whole, "page.id")
    if "component_update" in whole:
        return [_component(whole, page)]
    incident = value_at(whole, "incident")
    number = text_at(incident, "id")
    if not number:
        raise wrong("incident.id", "the incident's id, as Statuspage sends it")
    name = text_at(incident, "name") or f"Incident {number}"
    state = text_at(incident, "status").lower()
    text = text_at(incident, "incident_updates.0.body") or name
    identity = {"page": page, "incident": number}
    if state in _MAINTENANCE:
        stated = f"{state.replace('_', ' ')}: {name}\n{text}"
        return [activity_about("statuspage", identity, ActivityKind.UPDATED, stated)]
    components = [text_at(item, "name") for item in list_at(incident, "components")]
    ended = state in _ENDS
    impact = text_at(incident, "impact_override", "impact")
    return [
        Draft(
            source="statuspage",
            # At "monitoring" a fix is in place, and its owner does not trust it yet.
            status=states.RESOLVED if ended else states.FIRING,
            name=name,
            title=name,
            text=text,
            service=components[0] if len(components) == 1 else "",
            severity="low" if impact == "none" else impact,
            labels={
                "page": page,
                "impact": impact,
                "components": ", ".join(components[:20]),
                "page_status": text_at(whole, "page.status_description"),
                "state": state,
            },
            starts_at=time_at(incident, "started_at", "created_at"),
            ends_at=time_at(incident, "resolved_at", "updated_at") if ended else None,
            links=[("Status page", text_at(incident, "shortlink"))],
            identity=identity,
            raw=whole,
        ).alert()
    ]


def _component(whole: Mapping[str, Any], page: str) -> Alert:
    component = text_at(whole, "component_update.component_id", "component.id")
    name = text_at(whole, "component.name") or component
    if not component:
        raise wrong("component_update.component_id", "the component's id")
    state = text_at(whole, "component_update.new_status", "component.status")
    resolved = state in ("operational", "under_maintenance")
    at = time_at(whole, "component_update.created_at")
    return Draft(
        source="statuspage",
        status=states.RESOLVED if resolved else states.FIRING,
        name=name,
        title=f"{name}: {state.replace('_', ' ')}",
        text=f"{text_at(whole, 'component_update.old_status')} → {state}",
        service=name,
        category="availability",
        severity=_COMPONENT_SEVERITIES.get(state, ""),
        labels={"page": page, "state": state},
        starts_at=None if resolved else at,
        ends_at=at if resolved else None,
        identity={"page": page, "component": component},
        read_from={"severity": "guess", "category": "guess"},
        raw=whole,
    ).alert()


def _keys(value: object) -> frozenset[str]:
    return frozenset(value) if isinstance(value, dict) else frozenset()
