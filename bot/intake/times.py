"""Senders' times as datetimes in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DOTTED = re.compile(r"(\d{4})\.(\d\d)\.(\d\d)[ T]")
_NUMBER = re.compile(r"\d{9,13}(?:\.\d+)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 100_000_000_000  # as seconds this would be the year 5138


def read_time(value: object) -> datetime | None:
    """A time from ISO 8601 text, Unix seconds or milliseconds; None when it is none of them.

    A time without a zone is UTC. Years before 1971 mean "absent" to the senders that write them
    (Go's zero time is year 1), so they are None.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_epoch(value)
    if not isinstance(value, str) or len(value) > 64:
        return None
    text = value.strip()
    if text[4:5] != "-":  # not ISO 8601, as nearly all are
        if _NUMBER.fullmatch(text):
            return _from_epoch(float(text))
        text = _DOTTED.sub(r"\1-\2-\3T", text)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year > 1970 else None


def is_zero_time(value: object) -> bool:
    """Whether the sender says "no time": nothing, a blank, zero, or a year 0001 (Go)."""
    if value is None or value == 0:
        return True
    return isinstance(value, str) and (not value.strip() or value.startswith("0001-"))


def _from_epoch(seconds: float) -> datetime | None:
    if not 0 < seconds < 1e14:
        return None
    if seconds >= _MILLISECONDS_FROM:
        seconds /= 1000
    return _EPOCH + timedelta(seconds=seconds)
