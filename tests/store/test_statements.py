"""Times and values as each row binds them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from store.statements import bindable, to_db_time

NOW = datetime(2026, 11, 27, 0, 30, 15, 123456, UTC)


def test_the_rows_of_one_alert_share_one_text_of_its_time() -> None:
    assert to_db_time(NOW) is to_db_time(datetime(2026, 11, 27, 0, 30, 15, 123456, UTC))


def test_a_time_of_another_zone_is_written_in_utc() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert to_db_time(there) == to_db_time(NOW) == "2026-11-27T00:30:15.123456Z"


def test_an_early_year_is_written_with_four_digits() -> None:
    assert to_db_time(datetime(900, 1, 2, tzinfo=UTC)) == "0900-01-02T00:00:00.000000Z"


def test_values_that_any_database_takes_are_passed_on_as_they_are() -> None:
    values = ("plain", 1, None, 2.5)
    assert bindable(values) is values


def test_a_nul_and_a_lone_surrogate_become_escapes_beside_plain_values() -> None:
    assert bindable(("plain", "a\x00b", 1, "\ud800", "é")) == (
        "plain",
        "a\\x00b",
        1,
        "\\ud800",
        "é",
    )
