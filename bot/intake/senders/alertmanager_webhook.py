"""Alertmanager's webhook, version 4; Grafana's is the same with a few more fields.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.errors import InputError
from bot.incidents.model import BY_END, GUESS, Alert
from bot.intake import states
from bot.intake.cleaning import json_text, one_line
from bot.intake.drafting import Draft, identifying
from bot.intake.fields import (
    a_list,
    an_object,
    at,
    objects,
    optional_text,
    optional_time,
    text_mapping,
    wrong,
)
from bot.intake.general_body import alert_of_anything

_LINK_ANNOTATIONS = (
    ("Runbook", "runbook_url"),
    ("Runbook", "runbook"),
    ("Dashboard", "dashboard_url"),
    ("Dashboard", "dashboard"),
)
_LINK_FIELDS = (
    ("Dashboard", "dashboardURL"),
    ("Panel", "panelURL"),
    ("Silence", "silenceURL"),
    ("Source", "generatorURL"),
)


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for Alertmanager's body, and no one's of the same form with more fields."""
    return isinstance(body.get("alerts"), list) and (
        "groupLabels" in body or "groupKey" in body or "receiver" in body
    )


def parse_body(body: object) -> list[Alert]:
    """Return one Alert for each entry of `alerts`. InputError names the malformed field."""
    return alerts_of(body, "alertmanager")


def recognises_post(body: Mapping[str, Any]) -> bool:
    """Return True for an alert as Prometheus, vmalert and Loki post it to Alertmanager's API."""
    labels = body.get("labels")
    return (
        isinstance(labels, dict)
        and "alertname" in labels
        and not {"startsAt", "endsAt", "generatorURL"}.isdisjoint(body)
        and "status" not in body
    )


def parse_posts(body: object) -> list[Alert]:
    """Parse what is posted to Alertmanager's API: a list of alerts, or one.

    https://prometheus.io/docs/alerting/latest/clients/: an alert without a status is over once its
    `endsAt` has passed. While it fires, each post has a later one.
    """
    alerts = []
    for where, entry in objects(body):
        try:
            alert = _alert(entry, where, {}, {}, "alertmanager", "")
        except InputError as error:  # one malformed entry must not take the others with it
            alerts.append(alert_of_anything(entry, where, "alertmanager", str(error)))
            continue
        if "status" not in entry:
            status = BY_END if alert.ends_at else GUESS
            alert = replace(alert, read_from={**alert.read_from, "status": status})
        alerts.append(alert)
    return alerts


def alerts_of(body: object, source: str) -> list[Alert]:
    """Parse a body of this form for `source`."""
    whole = an_object(body, "body")
    if "alerts" not in whole:
        raise wrong("alerts", "a list of alerts, as Alertmanager's webhook sends it")
    entries = a_list(whole["alerts"], "alerts")
    if not entries:
        raise wrong("alerts", "a list with at least one alert")
    shared = {name: item for name, item in whole.items() if name != "alerts"}
    # Stored once: a copy in each alert would take 500 times the space.
    raw_shared = json_text(shared)
    missing = optional_text(whole.get("truncatedAlerts"), "truncatedAlerts")
    annotations = {"truncated_alerts": missing} if missing not in ("", "0") else {}
    alerts = []
    for index, entry in enumerate(entries):
        where = f"alerts[{index}]"
        try:
            alerts.append(_alert(entry, where, shared, annotations, source, raw_shared))
        except InputError as error:  # one malformed entry must not take the others with it
            alerts.append(alert_of_anything(entry, where, source, str(error)))
    return alerts


def _alert(
    entry: object,
    where: str,
    shared: Mapping[str, Any],
    more: Mapping[str, str],
    source: str,
    raw_shared: str,
) -> Alert:
    alert = an_object(entry, where)
    if "labels" not in alert:
        raise wrong(at(where, "labels"), "an object")
    labels = text_mapping(alert["labels"], at(where, "labels"))
    annotations = text_mapping(alert.get("annotations"), at(where, "annotations"))

    def text(name: str) -> str:
        value = alert.get(name, "")
        return value if isinstance(value, str) else optional_text(value, at(where, name))

    status = text("status") or optional_text(shared.get("status"), "status") or "firing"
    name = labels.get("alertname", "")
    if name in ("DatasourceNoData", "DatasourceError") and "rulename" in labels:
        name = f"{name}: {labels['rulename']}"  # the rule's own name
    summary = annotations.get("summary") or annotations.get("title") or ""
    description = annotations.get("description") or annotations.get("message") or summary
    links = [(label, text(field)) for label, field in _LINK_FIELDS if field in alert]
    links += [(label, annotations[key]) for label, key in _LINK_ANNOTATIONS if key in annotations]
    links.append(("Alertmanager", optional_text(shared.get("externalURL"), "externalURL")))
    value = annotations.get("value", "") or _value(alert, where)
    starts_at = optional_time(alert.get("startsAt"), at(where, "startsAt"))
    ends_at = optional_time(alert.get("endsAt"), at(where, "endsAt"))
    fingerprint = one_line(text("fingerprint"), 128)
    return Draft(
        source=source,
        status=states.status_of(status),
        name=name,
        title=summary or name or description or _labels_line(labels),
        text=description,
        labels=labels,
        annotations={**annotations, **more},
        value=value,
        starts_at=starts_at,
        ends_at=ends_at,
        links=links,
        fingerprint=fingerprint,
        identity={} if fingerprint else identifying(labels),
        raw={"alerts": [alert]},
        raw_shared=raw_shared,
    ).alert()


def _labels_line(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()))


def _value(alert: Mapping[str, Any], where: str) -> str:
    """Return Grafana's `values` as `A=1.5, C=1`, or its older `valueString`."""
    values = text_mapping(alert.get("values"), at(where, "values"))
    if values:
        return ", ".join(f"{name}={value}" for name, value in sorted(values.items()))
    return optional_text(alert.get("valueString"), at(where, "valueString"))
