"""Turns the body of a message into alerts. Never raises: a strange body becomes an alert too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bot.errors import InputError
from bot.incidents.model import Alert
from bot.intake import parse_body
from bot.web.alert_bodies import ALERTS_LIMIT
from bot.web.body import BODY_LIMIT, json_of

SOURCE = "anomaly"
TEXT_LIMIT = 8_000  # characters of a body that an alert shows as text
UNREADABLE = "Unreadable anomaly message"


def read_anomalies(data: bytes) -> list[Alert]:
    """Return the alerts of a message body; at least one.

    A body that is too large, is not JSON or is no anomaly becomes one alert that shows its text and
    the reason. All such alerts have one fingerprint, so a flood of them is one incident.
    """
    if len(data) > BODY_LIMIT:
        return [_as_text(data, f"it has {len(data):,} bytes; at most {BODY_LIMIT:,} are read")]
    try:
        body = json_of(data)
    except InputError as error:
        return [_as_text(data, error.message)]
    items = body if isinstance(body, list) else [body]
    if not 0 < len(items) <= ALERTS_LIMIT:
        return [_as_text(data, f"it lists {len(items):,} anomalies; 1 to {ALERTS_LIMIT} are read")]
    if not all(isinstance(item, dict) for item in items):
        return [_as_text(data, "it is neither a JSON object nor a list of them")]
    return [alert for item in items for alert in _parsed(item)]


def _parsed(item: dict[str, Any]) -> Iterator[Alert]:
    reading = parse_body(SOURCE, item)
    if not reading.reasons:
        yield from reading.alerts
        return
    text = json.dumps(item, ensure_ascii=False)
    yield _as_text(text.encode(errors="replace"), "; ".join(reading.reasons))


def _as_text(data: bytes, reason: str) -> Alert:
    """Return an alert that shows the beginning of the body."""
    text = data[: 4 * TEXT_LIMIT].decode("utf-8", "replace")[:TEXT_LIMIT]
    shown = {"name": UNREADABLE, "text": f"Not read as an anomaly: {reason}\n{text}"}
    return parse_body(SOURCE, shown).alerts[0]
