"""Parses senders' times into datetimes in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

_DOTTED = re.compile(r"(\d{4})\.(\d\d)\.(\d\d)[ T]")
_MONTH = re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_MONTH_FORMATS = (
    "%b %d, %Y %I:%M %p",
    "%b %d, %Y %I:%M:%S %p",
    "%b %d, %Y %H:%M:%S",
    "%b %d, %Y %H:%M",
    "%B %d, %Y %I:%M %p",
    "%d/%b/%Y:%H:%M:%S %z",
    "%a %b %d %H:%M:%S UTC %Y",
)
_AMERICAN = re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d(?::\d\d)? [AP]M", re.IGNORECASE)
_AMERICAN_FORMATS = ("%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p")
_DOTTED_FORMATS = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y, %H:%M:%S")
_NUMBER = re.compile(r"\d{9,19}(?:\.\d+)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A number from here on counts thousandths of the unit before; in seconds it would be the year 5138.
_NEXT_UNIT_FROM = 100_000_000_000
_LONGEST_NUMBER = 1e20
_FIRST_SECOND = 31_536_000  # of 1971: a smaller number is a duration


def read_time(value: object) -> datetime | None:
    """Parse ISO 8601 text, Unix seconds (also milli-, micro- and nanoseconds), or a date that a
    program wrote for people; return None for anything else.

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
        time = _iso(text) or _written_out(text)
        if time is None:
            return None
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return time if time.year > 1970 else None


def _iso(text: str) -> datetime | None:
    """Parse ISO 8601, also as Go and Python print it: `2026-11-22 10:01:00 +0000 UTC`."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    if not text[:4].isdigit():
        return None
    text = text.split(" m=", 1)[0].replace("/", "-")
    head, _, zone = text.rpartition(" ")
    if zone.isalpha() and (zone in ("UTC", "GMT", "Z") or head[-5:-4] in ("+", "-")):
        text = head  # the name of a zone tells nothing beside its offset
    head, _, offset = text.rpartition(" ")
    offset = offset.removeprefix("GMT").removeprefix("UTC")
    try:
        return datetime.fromisoformat(head + offset if offset[:1] in ("+", "-") else text)
    except ValueError:
        return None


def _written_out(text: str) -> datetime | None:
    """Parse a date with an English month, or with dots, the day first: `22.11.2026 10:01`."""
    has_month = _MONTH.search(text) is not None and _YEAR.search(text) is not None
    text = text if has_month else text.removesuffix(" UTC")
    # Only an American writes AM and PM, and the month first.
    forms = _AMERICAN_FORMATS if _AMERICAN.fullmatch(text) else _DOTTED_FORMATS
    for form in _MONTH_FORMATS if has_month else forms:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - without a zone it is UTC
        except ValueError:
            continue
    parts = parsedate_tz(text) if has_month else None
    if parts is None:
        return None
    return datetime(*parts[:6], tzinfo=UTC) - timedelta(seconds=parts[9] or 0)


def is_zero_time(value: object) -> bool:
    """Return True if the sender means "no time": nothing, a blank, zero, or a year 0001 (Go)."""
    if value is None or value == 0:
        return True
    return isinstance(value, str) and (not value.strip() or value.startswith("0001-"))


def _from_epoch(seconds: float) -> datetime | None:
    if not _FIRST_SECOND <= seconds < _LONGEST_NUMBER:
        return None
    while seconds >= _NEXT_UNIT_FROM:
        seconds /= 1000
    return _EPOCH + timedelta(seconds=seconds)
