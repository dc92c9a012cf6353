"""A window of time: hours, days or weeks, from an hour to a year."""

from __future__ import annotations

import pytest

from bot.errors import InputError
from bot.incidents.windows import parse_window


@pytest.mark.parametrize(
    ("text", "hours"), [("1h", 1), ("24h", 24), ("7d", 168), ("2W", 336), (" 8760h ", 8760)]
)
def test_hours_days_and_weeks_are_windows(text: str, hours: int) -> None:
    assert parse_window(text).hours == hours


@pytest.mark.parametrize(
    "text", ["", "0h", "8761h", "53w", "24", "h", "1.5h", "-1h", "1m", "1h1h", "١h", "999999h"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_window(text)
