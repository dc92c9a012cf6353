from __future__ import annotations

import pytest

from bot.intake.times import is_zero_time, read_time


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-21T03:04:05.123456789Z", "2026-11-21T03:04:05.123456+00:00"),
        ("2026-11-21T03:04:05+01:00", "2026-11-21T02:04:05+00:00"),
        ("2026-11-21T03:04:05.000+0000", "2026-11-21T03:04:05+00:00"),
        ("2026.11.21 03:04:05", "2026-11-21T03:04:05+00:00"),
        ("Sat, 21 Nov 2026 03:04:05 GMT", "2026-11-21T03:04:05+00:00"),
        ("Sat, 21 Nov 2026 04:04:05 +0100", "2026-11-21T03:04:05+00:00"),
        ("2026/11/21 03:04:05", "2026-11-21T03:04:05+00:00"),
        ("2026-11-21 03:04:05 UTC", "2026-11-21T03:04:05+00:00"),
        ("2026-11-21 04:04:05 +0100 CET", "2026-11-21T03:04:05+00:00"),
        ("2026-11-21 03:04:05.5 +0000 UTC m=+0.1", "2026-11-21T03:04:05.500000+00:00"),
        ("Nov 21, 2026 03:04 AM", "2026-11-21T03:04:00+00:00"),
        ("Sat Nov 21 03:04:05 UTC 2026", "2026-11-21T03:04:05+00:00"),
        ("Sat Nov 21 03:04:05 2026", "2026-11-21T03:04:05+00:00"),
        ("21/Nov/2026:03:04:05 +0000", "2026-11-21T03:04:05+00:00"),
        ("21.11.2026 03:04", "2026-11-21T03:04:00+00:00"),
        (1795230245, "2026-11-21T03:04:05+00:00"),
        (1795230245000, "2026-11-21T03:04:05+00:00"),
        ("1795230245.0", "2026-11-21T03:04:05+00:00"),
    ],
)
def test_the_times_that_senders_write_are_read_as_utc(value: object, expected: str) -> None:
    time = read_time(value)
    assert time is not None
    assert time.isoformat() == expected


@pytest.mark.parametrize(
    "value",
    [
        *(True, None, "soon", "", -5, 0, 1e20, 1e30, float("nan"), float("inf"), "9" * 80),
        *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00Z"),
        *("1970-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert read_time(value) is None


@pytest.mark.parametrize("value", [None, 0, "", " ", "0001-01-01T00:00:00Z"])
def test_the_ways_to_say_no_time_are_known(value: object) -> None:
    assert is_zero_time(value)
