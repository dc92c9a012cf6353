"""Parses senders' times into datetimes in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_DOTTED = re.compile(r"(\d{4})\.(\d\d)\.(\d\d)[ T]")
_NUMBER = re.compile(r"\d{9,13}(?:\.\d+)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 100_000_000_000  # in seconds this would be the year 5138


def read_time(value: object) -> datetime | None:
    """Parse ISO 8601 text, Unix seconds or milliseconds; return None for anything else.

    A time without a zone is UTC. Years before 1971 mean "absent" to the senders that write them
    (Go's zero time is year 1), so they become None.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_epoch(value)
    if not isinstance(value, str) or len(value) > 64:
        return None
    text = value.strip()
    if text[4:5] != "-":  # not ISO 8601: nearly every such time has a dash here
        if _NUMBER.fullmatch(text):
            return _from_epoch(float(text))
        text = _DOTTED.sub(r"\1-\2-\3T", text)
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        time = time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return time if time.year > 1970 else None


def is_zero_time(value: object) -> bool:
    """Return True if the sender means "no time": nothing, a blank, zero, or a year 0001 (Go)."""
    if value is None or value == 0:
        return True
    return isinstance(value, str) and (not value.strip() or value.startswith("0001-"))


def _from_epoch(seconds: float) -> datetime | None:
    if not 0 < seconds < 1e14:
        return None
    if seconds >= _MILLISECONDS_FROM:
        seconds /= 1000
    return _EPOCH + timedelta(seconds=seconds)
