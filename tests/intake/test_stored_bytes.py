"""The store writes a small multiple of the bytes that a stranger sent, with any parser."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.worst_input import SOURCES, as_received, inputs
from bot.errors import SopbotError
from bot.incidents.model import Alert
from bot.intake import parse_body, parse_message
from store.rows import alert_to_json

pytestmark = [pytest.mark.attack("ASI08"), pytest.mark.unmeasured]

NOW = datetime(2026, 11, 26, tzinfo=UTC)
TIMES, EACH = 8, 8_192
"""Bytes: so many times what came, and so many more for each alert. A text stands in the raw alert,
among the labels and as the title or text, and JSON writes `é` in six bytes."""


def read(source: str, body: Any) -> list[Alert]:
    try:
        return parse_message(body).alerts if source == "slack" else parse_body(source, body).alerts
    except SopbotError:
        return []


def stored(alerts: list[Alert]) -> int:
    """Bytes in the columns that hold what came; the shared part counts once."""
    once = {alert.raw_shared for alert in alerts}
    return sum(map(len, once)) + sum(len(alert_to_json(alert)) for alert in alerts)


@pytest.mark.parametrize("source", [*SOURCES, "slack"])
@pytest.mark.parametrize("size", [2_000, 60_000])
def test_stored_bytes_are_a_small_multiple_of_received_bytes(source: str, size: int) -> None:
    for how, body in inputs(source, size):
        alerts = read(source, body)
        received = len(as_received(body))
        assert stored(alerts) <= TIMES * received + EACH * len(alerts), how


@pytest.mark.parametrize("source", ["alertmanager", "grafana"])
def test_a_part_that_500_alerts_share_is_stored_once(source: str) -> None:
    shared = {f"k{number}": "v" * 90 for number in range(9_000)}
    entries = [{"labels": {"alertname": f"a{number}"}} for number in range(500)]
    body = {"commonLabels": shared, "alerts": entries}
    alerts = parse_body(source, body).alerts
    assert len(alerts) == 500
    assert stored(alerts) < 2 * len(as_received(body))
