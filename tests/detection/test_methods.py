"""The methods of detectors: their formulas, and what they make of a series."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.detection.anomalies import MOST_SERIES, Series, alerts_of
from bot.detection.methods import ALPHA, METHODS, Usual, ewma, mad, zscore
from bot.detection.segment import Detector
from bot.incidents.model import Alert, AlertStatus

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def test_the_z_score_is_the_distance_in_standard_deviations() -> None:
    assert zscore([2, 4, 4, 4, 5, 5, 7, 9]) == Usual(5, 2)
    assert Usual(5, 2).deviation(9) == 2


def test_the_modified_z_score_is_that_of_iglewicz_and_hoaglin() -> None:
    usual = mad([1, 1, 2, 2, 4, 6, 9])  # median 2, MAD 1
    assert usual.deviation(9) == pytest.approx(0.6745 * 7)
    assert mad([5, 5, 5, 5, 9]) == Usual(5, pytest.approx(1.253314 * 0.8)), "MAD is 0"


def test_an_outlier_among_the_usual_values_widens_the_z_score_and_not_mad() -> None:
    values = [float(at % 3) for at in range(30)] + [1000.0]
    assert zscore(values).deviation(50) < 3.0
    assert mad(values).deviation(50) > 3.5


def test_the_exponential_mean_and_variance_are_those_of_their_weights() -> None:
    """Compared with the definition: weight ALPHA (1 - ALPHA)^age, the rest for the first value."""
    rng = random.Random(7)
    values = [rng.gauss(10, 3) for _ in range(40)]
    ages = range(len(values) - 1, -1, -1)
    weights = [ALPHA * (1 - ALPHA) ** age for age in ages]
    weights[0] = (1 - ALPHA) ** (len(values) - 1)
    mean = sum(w * v for w, v in zip(weights, values, strict=True))
    variance = sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True))
    usual = ewma(values)
    assert (usual.center, usual.spread) == (pytest.approx(mean), pytest.approx(variance**0.5))


@pytest.mark.parametrize("method", METHODS)
def test_without_any_spread_every_other_value_is_infinitely_far(method: str) -> None:
    usual = METHODS[method]([3.0] * 20)
    assert usual.deviation(3.0 + 1e-12) == 0
    assert (usual.deviation(4), usual.deviation(2)) == (math.inf, -math.inf)


# What becomes an alert


def detector(**changes: Any) -> Detector:
    keys = {"name": "latency", "url": "http://p:9090", "query": "q"} | changes
    return Detector.model_validate(keys)


def series(*values: float, end: datetime = NOW, **labels: str) -> Series:
    """Values 15 s apart, the last of them at `end`."""
    first = end.timestamp() - 15 * (len(values) - 1)
    points = [(first + 15 * at, value) for at, value in enumerate(values)]
    return Series({"__name__": "m", "service": "shop"} | labels, points)


def usual_values(count: int = 60, seed: int = 1) -> list[float]:
    rng = random.Random(seed)
    return [rng.gauss(100, 5) for _ in range(count)]


def detected(
    item: Detector, *values: float, firing: Alert | None = None, now: datetime = NOW
) -> list[Alert]:
    known = {firing.fingerprint: firing} if firing else {}
    return list(alerts_of(item, [series(*values, end=now)], known, now))


@pytest.mark.parametrize("method", METHODS)
def test_an_unusual_value_is_an_alert_about_its_series(method: str) -> None:
    [alert] = detected(detector(method=method, severity="high"), *usual_values(110), 400, 410)
    assert (alert.source, alert.name, alert.service) == ("anomaly", "latency", "shop")
    assert (alert.status, alert.severity, alert.value) == (AlertStatus.FIRING, "high", "410")
    assert alert.starts_at == NOW
    assert "above what is usual" in alert.text
    assert float(alert.threshold) < 200
    assert "__name__" not in alert.labels


@pytest.mark.parametrize("method", METHODS)
def test_usual_values_are_no_alert(method: str) -> None:
    item = detector(method=method)
    alarms = sum(len(detected(item, *usual_values(110, seed))) for seed in range(300))
    assert alarms <= 3, "of 300"


def test_one_spike_is_no_alert_unless_one_sample_is_enough() -> None:
    assert not detected(detector(), *usual_values(), 400, 100)
    assert not detected(detector(), *usual_values(), 100, 400)
    assert detected(detector(samples=1), *usual_values(), 400)


def test_only_the_declared_direction_counts() -> None:
    low, high = [*usual_values(), 5, 5], [*usual_values(), 400, 400]
    by_direction = {
        name: [bool(detected(detector(direction=name), *values)) for values in (low, high)]
        for name in ("above", "below", "both")
    }
    assert by_direction == {"above": [False, True], "below": [True, False], "both": [True, True]}


def test_a_change_below_the_least_change_is_usual() -> None:
    flat = [0.0] * 60
    assert detected(detector(), *flat, 0.01, 0.01)
    assert not detected(detector(least_change=1), *flat, 0.01, 0.01)
    assert detected(detector(least_change=1), *flat, 2, 2)


@pytest.mark.parametrize(
    "values", [[], [400.0], [100.0, 400.0, 400.0], [math.nan] * 60 + [400.0] * 2]
)
def test_with_too_few_usual_values_nothing_is_said(values: list[float]) -> None:
    [fired] = detected(detector(), *usual_values(), 400, 400)
    assert detected(detector(), *values) == []
    assert detected(detector(), *values, firing=fired) == []


def test_an_anomaly_goes_on_until_the_value_is_usual_again() -> None:
    item, before = detector(), usual_values()
    [fired] = detected(item, *before, 400, 400)

    def after(*values: float) -> list[Alert]:
        return detected(
            item,
            *before,
            400,
            400,
            *values,
            firing=fired,
            now=NOW + timedelta(seconds=15 * len(values)),
        )

    assert after(*[400.0] * 200) == [fired], "its own values are not what is usual"
    assert after(115, 115) == [fired], "between half of the threshold and the threshold"
    [resolved] = after(300, 100)
    assert resolved.status is AlertStatus.RESOLVED
    assert resolved.fingerprint == fired.fingerprint


def test_a_level_that_lasts_long_enough_becomes_usual() -> None:
    item, before = detector(adapt_after_seconds=600), usual_values()
    [fired] = detected(item, *before, 400, 400)
    rng = random.Random(3)
    lasting = [rng.gauss(400, 5) for _ in range(100)]  # 25 minutes
    later = NOW + timedelta(seconds=1500)
    [resolved] = detected(item, *before, 400, 400, *lasting, firing=fired, now=later)
    assert resolved.status is AlertStatus.RESOLVED


def test_each_series_is_an_alert_of_its_own_and_they_are_bounded() -> None:
    values = [*usual_values(), 400, 400]
    many = [series(*values, pod=f"p{at}") for at in range(MOST_SERIES + 5)]
    alerts = list(alerts_of(detector(), many, {}, NOW))
    assert len({alert.fingerprint for alert in alerts}) == MOST_SERIES


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"url": "file:///etc/passwd"}, "http"),
        ({"url": "http://user:secret@p"}, "no user"),
        ({"severity": "huge"}, "severity"),
        ({"step_seconds": 1, "window_seconds": 86_400}, "steps"),
        ({"step_seconds": 60}, "fewer than min_samples"),
        ({"method": "iforest"}, "zscore"),
        ({"treshold": 3}, "treshold"),
    ],
)
def test_a_detector_that_cannot_work_is_an_error(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        detector(**changes)
