"""Anomalies that a detector found: `anomaly.detected` and its enriched form, of schema 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.incidents.model import Alert, AlertStatus
from bot.incidents.scores import BY_SCORE, band_of
from bot.incidents.severity_words import known_severity
from bot.intake import states
from bot.intake.drafting import Draft
from bot.intake.fields import at, objects, optional_text, optional_time, text_mapping, wrong

_REQUIRED = ("anomaly_type", "service")


def recognises(body: Mapping[str, Any]) -> bool:
    """Return True for an anomaly of schema 3."""
    return {"anomaly_type", "detector", "score"} <= set(body)


def parse_body(body: object) -> list[Alert]:
    """Parse one anomaly, or a list of them. InputError names the first malformed field."""
    return [_anomaly(item, where) for where, item in objects(body)]


def _anomaly(item: Mapping[str, Any], where: str) -> Alert:
    def text(name: str) -> str:
        return optional_text(item.get(name), at(where, name))

    for name in _REQUIRED:
        if not text(name).strip():
            raise wrong(at(where, name), "given")
    score = item.get("score")
    is_number = isinstance(score, int | float) and not isinstance(score, bool)
    if score is not None and not (is_number and 0 <= score <= 1):
        raise wrong(at(where, "score"), "a number from 0 to 1")
    spoken = text("severity")
    if by_score := known_severity(spoken) is None and score is not None:
        spoken = band_of(score).severity.value
    metadata = text_mapping(item.get("meta"), at(where, "meta"))
    labels = {
        name: text(name)
        for name in ("ship_id", "device_id", "metric_name", "detector", "domain")
        if text(name)
    }
    resolved = states.state_of(text("status")) is AlertStatus.RESOLVED
    time = optional_time(item.get("ts"), at(where, "ts"))
    subject = {name: text(name) for name in ("ship_id", "service", "metric_name", "device_id")}
    return Draft(
        source="anomaly",
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=text("anomaly_type"),
        title=f"{text('anomaly_type')}: {text('metric_name') or text('domain')}",
        text=text("raw_msg"),
        service=text("service"),
        category=text("domain"),
        severity=spoken,
        labels={**labels, **({"score": str(score)} if is_number else {})},
        annotations=metadata,
        value=text("metric_value"),
        threshold=text("threshold"),
        starts_at=None if resolved else time,
        ends_at=time if resolved else None,
        tracking_id=text("tracking_id"),
        identity={"type": text("anomaly_type"), "domain": text("domain"), **subject},
        read_from={"severity": BY_SCORE} if by_score else None,
        raw=item,
    ).alert()
