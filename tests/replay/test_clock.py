"""The clock of a replay follows the stream in steps, and never goes back."""

from __future__ import annotations

from datetime import timedelta

from bot.replay.clock import ReplayClock
from tests.helpers.clocks import NOW


def test_time_passes_minute_by_minute_and_then_in_longer_steps() -> None:
    clock = ReplayClock(NOW)
    steps = list(clock.steps_until(NOW + timedelta(hours=12)))
    assert steps[:2] == [NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)]
    assert steps[-1] - steps[-2] == timedelta(minutes=10)
    assert clock() == steps[-1] < NOW + timedelta(hours=12)


def test_many_days_take_few_steps() -> None:
    clock = ReplayClock(NOW)
    assert len(list(clock.steps_until(NOW + timedelta(days=400)))) < 11_000


def test_a_line_of_before_leaves_the_clock_where_it_is() -> None:
    clock = ReplayClock(NOW)
    clock.move_to(NOW - timedelta(hours=1))
    assert clock() == NOW
    assert list(clock.steps_until(NOW - timedelta(hours=1))) == []
