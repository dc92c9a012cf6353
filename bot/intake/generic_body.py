"""An alert as a plain JSON object, under our field names or the aliases of older systems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bot.incidents import keys
from bot.incidents.model import Alert
from bot.intake import guesses
from bot.intake.cleaning import one_line
from bot.intake.drafting import Draft, identifying, still
from bot.intake.fields import (
    an_object,
    at,
    objects,
    optional_text,
    optional_time,
    text_mapping,
    wrong,
)
from bot.intake.times import read_time

# Our field, then its names in the body; the first that is not blank wins.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "name": (
        "name",
        "alert_name",
        "alertname",
        "metadata.alert_name",
        "metadata.alertname",
        "labels.alertname",
        "check",
        "rule",
        "anomaly_type",
        "incident_type",
    ),
    "title": ("title", "summary", "subject", "annotations.summary"),
    "text": (
        "text",
        "description",
        "message",
        "msg",
        "details",
        "raw_msg",
        "error_message",
        "annotations.description",
    ),
    "status": ("status", "state"),
    "env": ("env", "environment", "context.environment"),
    "region": ("region", "aws_region", "context.region"),
    "service": ("service", "service_name", "app", "application", "context.service_name"),
    "category": ("category", "type", "domain"),
    "severity": ("severity", "incident_severity", "level", "priority"),
    "value": ("value", "current_value", "metric_value"),
    "threshold": ("threshold",),
    "fingerprint": ("fingerprint", "dedup_key"),
    "tracking_id": ("tracking_id", "request_id"),
    "incident_key": ("incident_key", "incidentKey"),
    "sop_id": ("sop_id",),
}
_STARTS = ("starts_at", "startsAt", "start_time", "alert_start_time", "timestamp", "ts", "time")
_ENDS = ("ends_at", "endsAt", "end_time", "alert_end_time")
_METADATA_STARTS = ("alert_start_time", "start_time", "start", "startsAt")
_LINKS = (
    ("Source", "url"),
    ("Link", "link"),
    ("Runbook", "runbook_url"),
    ("Dashboard", "dashboard_url"),
    ("Source", "generatorURL"),
    ("Log", "log_url"),
)
# Kept as labels under their own names, because SOP templates and keys use them.
_LABELS = ("path", "metric_name", "device_id", "host", "ship_id", "detector", "external_id")
KEY_LIMIT = 256
# By field: each name as (the object that holds it, its name there); '' is the body itself.
_PATHS = {
    field: tuple((name, *name.rpartition(".")[::2]) for name in names)
    for field, names in ALIASES.items()
}


def parse_body(body: object) -> list[Alert]:
    """Parse one alert object or a list of them. InputError names the malformed field."""
    return [alert_of(item, where) for where, item in objects(body)]


def parse_anomaly(body: object) -> list[Alert]:
    """Parse detected anomalies: `anomaly_type`, `domain`, `metric_name`, `metric_value`,
    `score`.
    """
    return [alert_of(item, where, "anomaly") for where, item in objects(body)]


def alert_of(body: Mapping[str, Any], where: str = "", source: str = "generic") -> Alert:
    """Parse one alert. It needs at least a name, a title, a text or a service."""
    fields = {field: _find(body, paths, where) for field, paths in _PATHS.items()}
    name, title, text = fields["name"], fields["title"], fields["text"]
    if not (name or title or text or fields["service"]):
        raise wrong(at(where, "name"), "given, or title, text or service")
    metadata = text_mapping(body.get("metadata"), at(where, "metadata"))
    labels = _labels(body, where)
    annotations = text_mapping(body.get("annotations"), at(where, "annotations"))
    starts_at = _time(body, _STARTS, where)
    if starts_at is None:
        starts_at = next(
            filter(None, (read_time(metadata.get(key)) for key in _METADATA_STARTS)), None
        )
    name = name or title or text.split("\n", 1)[0] or fields["service"]
    category = fields["category"] or labels.get("category", "") or guesses.category_of(name)
    identity = {
        "name": still(name),
        "env": fields["env"],
        "service": fields["service"],
        "category": category,
        "region": fields["region"],
        "group": metadata.get("group_id", ""),
    }
    return Draft(
        source=source,
        status=guesses.status_of(fields["status"] or "firing"),
        name=name,
        title=title or name,
        text=text or title,
        env=fields["env"],
        region=fields["region"],
        service=fields["service"],
        category=category,
        severity=fields["severity"],
        labels=labels,
        annotations={**metadata, **annotations},
        value=fields["value"],
        threshold=fields["threshold"],
        starts_at=starts_at,
        ends_at=_time(body, _ENDS, where),
        links=_links(body, where),
        fingerprint=fields["fingerprint"],
        identity={**identifying(labels), **identity},
        tracking_id=fields["tracking_id"],
        incident_key=checked_key(fields["incident_key"], at(where, "incident_key")),
        sop_id=checked_sop_id(fields["sop_id"], at(where, "sop_id")),
        raw=body,
    ).alert()


def _labels(body: Mapping[str, Any], where: str) -> dict[str, str]:
    labels = text_mapping(body.get("labels"), at(where, "labels"))
    for key in _LABELS:
        value = body.get(key)
        if value is not None and (label := optional_text(value, at(where, key))):
            labels.setdefault(key, label)
    labels.update(_tags(body.get("tags"), at(where, "tags")))
    return labels


def checked_sop_id(text: str, field: str) -> str:
    """Return a SOP ID from outside, or raise InputError."""
    if text and not keys.is_sop_id(text):
        raise wrong(field, "1 to 64 of a-z, 0-9, _ and -")
    return text


def checked_key(text: str, field: str) -> str:
    """Return an incident key from outside, trimmed, as the caller wrote it; or raise InputError."""
    text = text.strip()
    if len(text) > KEY_LIMIT:
        raise wrong(field, f"at most {KEY_LIMIT} characters")
    if one_line(text, KEY_LIMIT) != text:
        raise wrong(field, "one line without control characters")
    return text


def _find(body: Mapping[str, Any], paths: tuple[tuple[str, str, str], ...], where: str) -> str:
    for name, outer, inner in paths:
        holder = body.get(outer) if outer else body
        if not isinstance(holder, dict) or (value := holder.get(inner)) is None:
            continue  # the code that reads the whole object reports the wrong type
        if text := optional_text(value, at(where, name)).strip():
            return text
    return ""


def _time(body: Mapping[str, Any], names: tuple[str, ...], where: str) -> datetime | None:
    for name in names:
        value = body.get(name)
        if value is not None and (time := optional_time(value, at(where, name))) is not None:
            return time
    return None


def _tags(value: object, where: str) -> dict[str, str]:
    """Parse tags: an object, or a list of `name:value`, `name=value` or bare words."""
    if isinstance(value, str):
        value = [item.strip() for item in value.split(",")]
    if not isinstance(value, list):
        return text_mapping(value, where)
    tags = {}
    for index, item in enumerate(value):
        name, _, text = optional_text(item, f"{where}[{index}]").replace("=", ":", 1).partition(":")
        tags[name.strip()] = text.strip() or "true"
    return tags


def _links(body: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    for label, name in _LINKS:
        if (value := body.get(name)) is not None:
            yield label, optional_text(value, at(where, name))
    links = body.get("links")
    if links is None:
        return
    if not isinstance(links, list):
        raise wrong(at(where, "links"), "a list of addresses or of {label, url}")
    for index, item in enumerate(links):
        field = at(where, f"links[{index}]")
        if isinstance(item, str):
            yield "Link", item
        else:
            link = an_object(item, field)
            url = optional_text(link.get("url", link.get("href")), f"{field}.url")
            yield optional_text(link.get("label", link.get("text")), f"{field}.label"), url
