"""The severity of an anomaly's score, and how similar anomalies before it raise that. Pure.

The bands and the raises are those of the schema 3 enrichment service.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.incidents.model import Alert, AlertStatus, Severity

BY_SCORE = "field score"
"""The key of the severity's origin in `Alert.read_from`."""


@dataclass(frozen=True, slots=True)
class Band:
    """The lowest score of a severity, and so many similar anomalies raise it to `raised_to`."""

    lowest: float
    severity: Severity
    raised_to: Severity
    in_hour: int = 0
    in_day: int = 0


BANDS = (
    Band(0.9, Severity.CRITICAL, Severity.CRITICAL),
    Band(0.7, Severity.HIGH, Severity.CRITICAL, in_hour=5, in_day=20),
    Band(0.5, Severity.MEDIUM, Severity.HIGH, in_hour=3, in_day=10),
    Band(0.4, Severity.MEDIUM, Severity.MEDIUM),
    Band(0.0, Severity.LOW, Severity.LOW),
)


def band_of(score: float) -> Band:
    """Return the band of a score from 0 to 1."""
    return next(band for band in BANDS if score >= band.lowest or band is BANDS[-1])


def may_be_raised(alert: Alert) -> bool:
    """Return True for a firing anomaly whose severity is that of its score."""
    return (
        alert.status is AlertStatus.FIRING
        and alert.read_from.get("severity") == BY_SCORE
        and band_of(float(alert.labels["score"])).in_hour > 0
    )


def raised(alert: Alert, in_hour: int, in_day: int) -> Alert:
    """Return the alert, with a higher severity if so many similar ones fired before it.

    `read_from` says why.
    """
    band = band_of(float(alert.labels["score"]))
    if in_hour >= band.in_hour:
        why = f"{in_hour} similar in 1 h"
    elif in_day >= band.in_day:
        why = f"{in_day} similar in 24 h"
    else:
        return alert
    read_from = {**alert.read_from, "severity": f"{BY_SCORE}, raised: {why}"}
    return replace(alert, severity=band.raised_to, read_from=read_from)
