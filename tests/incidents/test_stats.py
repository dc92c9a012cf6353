"""Times as histograms: exact in number and sum, percentiles to 2.5 %, and they can be added."""

from __future__ import annotations

import json
import random

import pytest

from bot.incidents.stats import Durations, PeriodStats, Span


def durations(*seconds: float) -> Durations:
    result = Durations()
    for item in seconds:
        result.add(item)
    return result


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 0.99, 1])
def test_a_percentile_is_the_nearest_rank_to_2_5_percent(share: float) -> None:
    chance = random.Random(7)
    values = sorted(chance.lognormvariate(3, 3) for _ in range(1_000))
    exact = values[round(share * 1_000) - 1]
    assert durations(*values).percentile(share) == pytest.approx(exact, rel=0.026)


def test_two_histograms_added_are_the_histogram_of_both() -> None:
    both = durations(1, 5, 9)
    both.merge(durations(0, 400))
    assert both == durations(1, 5, 9, 0, 400)
    assert both.mean == 83


def test_a_time_that_two_clocks_made_negative_counts_as_none_at_all() -> None:
    assert durations(-3) == durations(0)
    assert durations(-3).percentile(0.5) == pytest.approx(0.01, rel=0.03)


def test_a_period_is_the_same_after_json() -> None:
    period = PeriodStats(repeats=3)
    period.alerts["no open incident matches"] += 2
    period.spans[Span.CARD].merge(durations(0.5, 90))
    copied = PeriodStats()
    copied.merge_json(json.loads(json.dumps(period.as_json())))
    assert copied == period
    copied.merge_json(period.as_json())
    assert (copied.repeats, copied.spans[Span.CARD].count) == (6, 4)
