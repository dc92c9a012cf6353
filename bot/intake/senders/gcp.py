"""Google Cloud Monitoring: incidents by webhook or Pub/Sub, schema 1.2.

https://cloud.google.com/monitoring/support/notification-options#schema-pubsub
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert
from bot.intake import guesses, states
from bot.intake.drafting import Draft, identifying
from bot.intake.fields import an_object, text_at, time_at, value_at, wrong

# Labels of monitored resources that name what is monitored, the most specific first.
_RESOURCES = (
    "service_name", "container_name", "function_name", "job_name", "job_id", "module_id",
    "top_level_controller_name", "database_id", "subscription_id", "topic_id", "queue_id",
    "backend_service_name", "url_map_name", "service", "host", "bucket_name", "pipeline_name",
    "cluster_name",
)  # fmt: skip


_OWN_LABELS = ("metadata.system_labels", "metadata.user_labels", "policy_user_labels")


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for an incident, also inside a push message of Pub/Sub."""
    whole = _inside(body)
    return {"incident_id", "policy_name"} <= _keys(value_at(whole, "incident"))


def parse_body(body: object) -> list[Alert]:
    """Parse one incident."""
    whole = an_object(body, "body")
    incident = value_at(_inside(whole), "incident")
    if not isinstance(incident, dict) or "policy_name" not in incident:
        raise wrong("incident", "an object with policy_name, as Google Cloud sends it")
    policy, condition = text_at(incident, "policy_name"), text_at(incident, "condition_name")
    resource = _labels(incident, "resource.labels")
    own: dict[str, str] = {}
    for path in _OWN_LABELS:
        own |= _labels(incident, path)
    metric = _labels(incident, "metric.labels")
    labels = {**resource, **metric, **own}
    project = text_at(incident, "scoping_project_id") or resource.get("project_id", "")
    service = _service(own, metric, resource)
    shown = text_at(incident, "resource_display_name")
    state, severity = text_at(incident, "state"), text_at(incident, "severity")
    condition_of = {"policy": policy, "condition": condition}
    place = _place(resource, metric) or {"incident": text_at(incident, "incident_id")}
    return [
        Draft(
            source="gcp",
            status=states.status_of(state),
            name=policy or condition,
            title=text_at(incident, "documentation.subject")
            or f"{policy}: {condition}".strip(": "),
            text=_text(incident),
            env=guesses.env_of(own)[0] or guesses.env_inside(project),
            region=resource.get("region") or resource.get("location") or resource.get("zone", ""),
            service=service or (shown if not shown.isdigit() else ""),
            category=guesses.category_of(policy) or guesses.category_of(condition),
            severity="" if severity.lower() == "no severity" else severity,
            labels={
                **labels,
                "project_id": project,
                "resource_type": text_at(incident, "resource.type"),
                "metric_name": text_at(incident, "metric.type"),
                "incident": text_at(incident, "incident_id"),
                **condition_of,
            },
            value=text_at(incident, "observed_value"),
            threshold=text_at(incident, "threshold_value"),
            starts_at=time_at(incident, "started_at"),
            ends_at=time_at(incident, "ended_at"),
            links=[("Google Cloud", text_at(incident, "url"))],
            identity={**condition_of, **place},
            read_from=_read_from(state),
            raw=whole,
        ).alert()
    ]


def _service(own: Mapping[str, str], metric: Mapping[str, str], resource: Mapping[str, str]) -> str:
    named = own.get("service") or own.get("app") or metric.get("service", "")
    return named or next((resource[key] for key in _RESOURCES if resource.get(key)), "")


def _place(resource: Mapping[str, str], metric: Mapping[str, str]) -> dict[str, str]:
    """Return what identifies the resource: the incident's id is another one each time."""
    place = identifying({f"resource.{name}": text for name, text in resource.items()})
    return place | {f"metric.{name}": text for name, text in metric.items()}


def _read_from(state: str) -> dict[str, str]:
    return {"status": "field" if states.state_of(state) else "guess", "category": "guess"}


def _text(incident: object) -> str:
    summary = text_at(incident, "summary")
    documentation = text_at(incident, "documentation.content", "documentation")
    return "\n".join(part for part in (summary, documentation) if part)


def _labels(incident: object, path: str) -> dict[str, str]:
    labels = value_at(incident, path)
    if not isinstance(labels, dict):
        return {}
    return {name: str(text) for name, text in labels.items() if isinstance(text, str | int)}


def _keys(value: object) -> frozenset[str]:
    return frozenset(value) if isinstance(value, dict) else frozenset()


def _inside(body: Mapping[str, Any]) -> object:
    """Return the JSON inside a push message of Pub/Sub, else the body."""
    data, is_push = value_at(body, "message.data"), "subscription" in body
    if not is_push or not isinstance(data, str):
        return body
    try:
        decoded: object = json.loads(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return body
    return decoded
