"""The answer to `/incident stats`: one phone screen, nothing invented."""

from __future__ import annotations

import pytest

from bot.incidents.correlation import Reason
from bot.incidents.model import IncidentStatus, Severity
from bot.incidents.stats import IncidentStats, PeriodStats, Span, TypeCount
from bot.incidents.windows import parse_window
from handlers.views.stats import overview
from tests.helpers.models import HOSTILE, assert_obeys_nothing

DAY = parse_window("24h")


def numbers() -> IncidentStats:
    period = PeriodStats(repeats=2_400)
    period.alerts.update({Reason.OPENED: 3, Reason.SAME_SCOPE: 11})
    for seconds in (62.0, 240.0):
        period.spans[Span.ACKNOWLEDGED].add(seconds)
    period.spans[Span.CARD].add(0.4)
    counts = {
        Severity.CRITICAL: {IncidentStatus.OPEN: 1, IncidentStatus.RESOLVED: 1},
        Severity.LOW: {IncidentStatus.ACKNOWLEDGED: 1},
    }
    return IncidentStats(counts, 5, 2, period)


def test_the_numbers_stand_in_plain_words_on_one_phone_screen() -> None:
    types = [TypeCount("cpu", 2, 1, {}), TypeCount("", 1, 0, {})]
    assert overview(numbers(), types, DAY).splitlines() == [
        "*Last 24h*: 3 incidents: 1 open, 1 acknowledged, 1 resolved",
        "🔴 CRITICAL 2   🔹 LOW 1",
        "14 alerts, 11 joined an open incident",
        "2,400 repeats of a known alert, 0 suppressed",
        "Acknowledged after 1 min (median), 95 % within 3 min",
        "Resolved after –",
        "Card posted after 0.4 s (median), 95 % within 0.4 s",
        "Advice given after –",
        "Most frequent types: cpu 2, (no type) 1",
        "5 incidents open now, 2 of them flapping: `/incident list`.",
    ]


def test_an_empty_window_says_so() -> None:
    text = overview(IncidentStats({}, 0, 0, PeriodStats()), [], DAY)
    assert text == "*Last 24h*: no incidents and no alerts. No incident is open now."


@pytest.mark.parametrize("text", HOSTILE)
def test_a_strangers_type_obeys_nothing(text: str) -> None:
    assert_obeys_nothing(overview(numbers(), [TypeCount(text, 1, 0, {})], DAY))
