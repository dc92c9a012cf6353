"""A backup is due by the time of the last one, so a bot that was down makes it when it starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.backups.schedule import read_schedule

NOW = datetime(2026, 11, 21, 3, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "due", "not_due"),
    [
        ("6h", timedelta(hours=6), timedelta(hours=5, minutes=59)),
        ("90m", timedelta(minutes=90), timedelta(minutes=89)),
        ("1d", timedelta(days=1), timedelta(hours=23)),
        ("17 3 * * *", timedelta(minutes=2), timedelta(minutes=1)),  # 03:17 came since 03:16
        ("0 0 * * 0", timedelta(days=7), timedelta(days=5)),  # NOW is a Saturday
    ],
)
def test_a_backup_is_due_by_the_age_of_the_last_one(
    text: str, due: timedelta, not_due: timedelta
) -> None:
    schedule = read_schedule(text)
    assert schedule.is_due(None, NOW), "there is none yet"
    assert schedule.is_due(NOW - due, NOW)
    assert not schedule.is_due(NOW - not_due, NOW)


@pytest.mark.parametrize(
    "text", ["", "6", "0h", "4m", "17 3 * *", "61 * * * *", "x y z a b", "6 h"]
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        read_schedule(text)
