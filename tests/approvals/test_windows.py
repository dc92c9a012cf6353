"""Maintenance windows: their hours, their next opening, and how they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.approvals.rules import in_window, next_opening
from bot.approvals.segment import Window
from tests.helpers.policies import policy


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-22T01:59:59", False),  # a Sunday
        ("2026-11-22T02:00:00", True),
        ("2026-11-22T03:59:59", True),
        ("2026-11-22T04:00:00", False),
        ("2026-11-21T03:00:00", False),
        ("2026-11-20T22:30:00", True),  # the night of Friday
        ("2026-11-21T00:30:00", True),
        ("2026-11-21T01:00:00", False),
        ("2026-11-20T00:30:00", False),
    ],
)
def test_a_maintenance_window_is_open_in_its_hours_also_past_midnight(
    at: str, is_open: bool
) -> None:
    windows = policy(
        maintenance_windows=[
            {"days": ["sun"], "start": "02:00", "end": "04:00"},
            {"days": ["fri"], "start": "22:00", "end": "01:00"},
        ]
    ).maintenance_windows
    assert in_window(windows, datetime.fromisoformat(at).replace(tzinfo=UTC)) == is_open


def test_the_next_opening_of_a_window_is_told_also_of_next_week_and_without_any_never() -> None:
    daily = Window.model_validate({"start": "02:00", "end": "04:00"})
    weekly = Window.model_validate({"days": ["sat"], "start": "02:00", "end": "04:00"})
    saturday = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    assert next_opening([daily], saturday) == saturday + timedelta(days=1)
    assert next_opening([daily], saturday - timedelta(hours=1)) == saturday
    assert next_opening([weekly], saturday) == saturday + timedelta(days=7)
    assert next_opening([weekly, daily], saturday) == saturday + timedelta(days=1)
    assert next_opening([], saturday) is None
    assert not in_window([], saturday)


@pytest.mark.parametrize(
    "start",
    [
        "22:00Z",
        "22:00+02:00",
        "22:00:00",
        "2:00",
        "24:00",
        "22:60",
        "22:00 ",
        "",
        1320,
        79200,
        None,
    ],
)
@pytest.mark.parametrize("end", ["start", "end"])
def test_a_windows_time_is_hours_and_minutes_in_quotes(start: Any, end: str) -> None:
    window = {"start": "20:00", "end": "23:00"} | {end: start}
    with pytest.raises(ValidationError, match='write it in quotes: "22:00"'):
        policy(maintenance_windows=[window])
