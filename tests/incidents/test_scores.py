"""The severity of an anomaly's score, raised by the number of similar ones before it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents.model import Severity
from bot.incidents.scores import band_of, may_be_raised, raised
from bot.intake import parse_body
from tests.helpers.builders import NOW

HIGH, CRITICAL, MEDIUM, LOW = Severity.HIGH, Severity.CRITICAL, Severity.MEDIUM, Severity.LOW


def anomaly(score: float, **fields: Any) -> dict[str, Any]:
    body = {
        "anomaly_type": "latency",
        "domain": "app",
        "service": "web",
        "detector": "zscore",
        "score": score,
        "ts": NOW.isoformat(),
    }
    return body | fields


@pytest.mark.parametrize(
    ("score", "severity"),
    [(1, CRITICAL), (0.95, CRITICAL), (0.9, CRITICAL), (0.89, HIGH), (0.7, HIGH), (0.69, MEDIUM),
     (0.5, MEDIUM), (0.4, MEDIUM), (0.39, LOW), (0, LOW)],
)  # fmt: skip
def test_each_score_has_its_band(score: float, severity: Severity) -> None:
    assert band_of(score).severity is severity
    (alert,) = parse_body("anomaly", anomaly(score)).alerts
    assert alert.severity is severity


@pytest.mark.parametrize(
    ("score", "in_hour", "in_day", "severity", "why"),
    [
        (0.8, 4, 19, HIGH, ""),
        (0.8, 5, 5, CRITICAL, "5 similar in 1 h"),
        (0.8, 0, 20, CRITICAL, "20 similar in 24 h"),
        (0.6, 2, 9, MEDIUM, ""),
        (0.6, 3, 3, HIGH, "3 similar in 1 h"),
        (0.6, 100, 100, HIGH, "100 similar in 1 h"),
        (0.5, 0, 10, HIGH, "10 similar in 24 h"),
    ],
)
def test_similar_anomalies_raise_it_and_the_reading_says_why(
    score: float, in_hour: int, in_day: int, severity: Severity, why: str
) -> None:
    (alert,) = parse_body("anomaly", anomaly(score)).alerts
    assert may_be_raised(alert)
    after = raised(alert, in_hour, in_day)
    assert after.severity is severity
    reading = f"field score, raised: {why}" if why else "field score"
    assert after.read_from["severity"] == reading


@pytest.mark.parametrize(
    "body",
    [
        anomaly(0.95),
        anomaly(0.45),
        anomaly(0.1),
        anomaly(0.8, severity="high"),
        anomaly(0.8, status="resolved"),
    ],
)
def test_nothing_else_is_raised(body: dict[str, Any]) -> None:
    (alert,) = parse_body("anomaly", body).alerts
    assert not may_be_raised(alert)
