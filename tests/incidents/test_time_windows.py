"""Maintenance windows: their hours, their next opening, and how they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.incidents.time_windows import TimeWindow, in_window, next_opening
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
    daily = TimeWindow.model_validate({"start": "02:00", "end": "04:00"})
    weekly = TimeWindow.model_validate({"days": ["sat"], "start": "02:00", "end": "04:00"})
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
    ],
)
@pytest.mark.parametrize("end", ["start", "end"])
def test_a_windows_time_is_hours_and_minutes_in_quotes(start: Any, end: str) -> None:
    window = {"start": "20:00", "end": "23:00"} | {end: start}
    with pytest.raises(ValidationError, match='write it in quotes: "22:00"'):
        policy(maintenance_windows=[window])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("window", "now", "until"),
    [
        ({"start": "22:00", "end": "06:00"}, "2026-11-21T23:00", "2026-11-22T06:00"),
        ({"start": "22:00", "end": "06:00"}, "2026-11-21T05:59", "2026-11-21T06:00"),
        ({"start": "22:00", "end": "06:00"}, "2026-11-21T06:00", None),
        (
            {"start": "22:00", "end": "06:00", "timezone": "Europe/Berlin"},
            "2026-11-21T21:00",
            "2026-11-22T05:00",
        ),
        (
            {"start": "22:00", "end": "06:00", "timezone": "Europe/Berlin"},
            "2026-07-21T20:00",
            "2026-07-22T04:00",
        ),
        # The night in which the clocks of Berlin go forward has an hour less.
        (
            {"start": "00:00", "end": "06:00", "timezone": "Europe/Berlin"},
            "2026-03-29T00:30",
            "2026-03-29T04:00",
        ),
        ({"cron": "0 2 * * sun", "minutes": 90}, "2026-11-22T02:00", "2026-11-22T03:30"),
        ({"cron": "0 2 * * sun", "minutes": 90}, "2026-11-22T03:29:59", "2026-11-22T03:30"),
        ({"cron": "0 2 * * sun", "minutes": 90}, "2026-11-22T03:30", None),
        ({"cron": "0 2 * * sun", "minutes": 90}, "2026-11-22T01:59:59", None),
        (
            {"cron": "0 2 * * *", "minutes": 60, "timezone": "Asia/Tokyo"},
            "2026-11-21T17:30",
            "2026-11-21T18:00",
        ),
        (
            {"starts_at": "2026-12-01T22:00Z", "ends_at": "2026-12-02T02:00+01:00"},
            "2026-12-02T00:30",
            "2026-12-02T01:00",
        ),
        (
            {"starts_at": "2026-12-01T22:00Z", "ends_at": "2026-12-02T02:00+01:00"},
            "2026-12-02T01:00",
            None,
        ),
    ],
)
def test_a_window_is_weekly_by_cron_or_one_off(
    window: dict[str, Any], now: str, until: str | None
) -> None:
    closes = TimeWindow.model_validate(window).open_until(at(now))
    assert closes == (at(until) if until else None)


def test_the_next_opening_of_a_window_by_cron_and_of_one_that_is_past() -> None:
    cron = TimeWindow.model_validate({"cron": "0 2 * * sun", "minutes": 90})
    assert next_opening([cron], at("2026-11-22T02:00")) == at("2026-11-29T02:00")
    once = TimeWindow.model_validate(
        {"starts_at": "2026-12-01T22:00Z", "ends_at": "2026-12-02T02:00Z"}
    )
    assert next_opening([once], at("2026-11-22T02:00")) == at("2026-12-01T22:00")
    assert next_opening([once], at("2026-12-01T22:00")) is None


@pytest.mark.parametrize(
    ("window", "why"),
    [
        ({}, "needs start and end, or cron"),
        ({"start": "22:00"}, "needs start and end, or cron"),
        ({"start": "22:00", "end": "23:00", "cron": "0 2 * * *"}, "and no others"),
        ({"cron": "0 2 * * *"}, "needs start and end, or cron"),
        ({"cron": "every day", "minutes": 5}, "cron expression of five fields"),
        ({"cron": "0 2 * * *", "minutes": 5, "timezone": "Berlin"}, "not a time zone"),
        ({"cron": "0 2 * * *", "minutes": 5, "timezone": "../etc"}, "not a time zone"),
        ({"starts_at": "2026-12-01T22:00", "ends_at": "2026-12-02T02:00Z"}, "timezone"),
        ({"starts_at": "2026-12-01T22:00Z", "ends_at": "2026-12-01T22:00Z"}, "must be after"),
    ],
)
def test_a_window_of_no_kind_is_refused(window: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        TimeWindow.model_validate(window)
