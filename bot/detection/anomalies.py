"""Decides which series of a detector are unusual now, and makes their alerts. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.detection.methods import METHODS, Usual
from bot.detection.segment import Detector
from bot.incidents.model import Alert, AlertStatus
from bot.intake.drafting import Draft

SOURCE = "anomaly"
MOST_SERIES = 50  # of a detector
OVER = 0.5  # of the threshold: an anomaly that fires is over below that


@dataclass(frozen=True, slots=True)
class Series:
    """The labels of one series, and its values with their times in seconds, oldest first."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


def alerts_of(
    detector: Detector, series: Sequence[Series], firing: Mapping[str, Alert], now: datetime
) -> Iterator[Alert]:
    """Yield the alerts of series that are unusual, and resolved ones of those that no longer are.

    `firing` are the detector's alerts that fire, by fingerprint. A series without enough values,
    or that is not there, changes nothing.
    """
    for item in series[:MOST_SERIES]:
        calm = _alert(detector, item, now)
        fired = firing.get(calm.fingerprint)
        began = fired.starts_at if fired and fired.starts_at else now
        usual, values = _usual(detector, item, began, now)
        if usual is None:
            continue
        deviations = [_deviation(detector, usual, value) for value in values]
        is_unusual = all(deviation >= detector.limit for deviation in deviations)
        if fired is None and not is_unusual:
            continue
        if fired is not None and min(deviations) < detector.limit * OVER:
            yield replace(fired, status=AlertStatus.RESOLVED, ends_at=now)
        elif fired is not None:
            yield fired  # a reminder
        else:
            yield _alert(detector, item, now, usual=usual, value=values[-1])


def _usual(
    detector: Detector, series: Series, began: datetime, now: datetime
) -> tuple[Usual | None, list[float]]:
    """Return what is usual, and the values to compare with it; None if there are too few.

    While an anomaly goes on, what was before it stays the usual, until it lasts too long.
    """
    points = [(at, value) for at, value in series.points if math.isfinite(value)]
    values = [value for _, value in points[-detector.samples :]]
    oldest_start = now.timestamp() - detector.adapt_after_seconds
    before = min(
        points[-detector.samples][0] if len(points) >= detector.samples else 0.0,
        max(began.timestamp() - detector.samples * detector.step_seconds, oldest_start),
    )
    history = [value for at, value in points if before - detector.window <= at < before]
    if len(history) < detector.least:
        return None, values
    return METHODS[detector.method](history), values


def _deviation(detector: Detector, usual: Usual, value: float) -> float:
    """Return the deviation in the direction that counts; 0 for a change that is too small."""
    if abs(value - usual.center) < detector.least_change:
        return 0.0
    deviation = usual.deviation(value)
    return {"above": deviation, "below": -deviation, "both": abs(deviation)}[detector.direction]


def _alert(
    detector: Detector,
    series: Series,
    now: datetime,
    *,
    usual: Usual | None = None,
    value: float = 0,
) -> Alert:
    """Return the alert of a series. Without `usual` only its identity counts."""
    labels = {name: text for name, text in series.labels.items() if name != "__name__"}
    text = bound = ""
    if usual is not None:
        is_above = value > usual.center
        distance = max(detector.limit * usual.spread, detector.least_change)
        bound = f"{usual.center + (distance if is_above else -distance):.4g}"
        text = (
            f"{value:.4g} is {'above' if is_above else 'below'} what is usual: {usual.center:.4g}"
            f" over {detector.window} s, {abs(usual.deviation(value)):.1f} times its spread"
            f" ({detector.method}, threshold {detector.limit:g})"
        )
    return Draft(
        source=SOURCE,
        status=AlertStatus.FIRING,
        name=detector.name,
        title=f"{detector.name} is unusual",
        text=text,
        raw={"detector": detector.name, "query": detector.query, "labels": labels},
        identity={**labels, "detector": detector.name},
        labels={**labels, "detector": detector.name, "method": detector.method},
        value=f"{value:.4g}" if usual else "",
        threshold=bound,
        service=detector.service,
        env=detector.env,
        region=detector.region,
        category=detector.category,
        severity=detector.severity,
        starts_at=now,
    ).alert()
