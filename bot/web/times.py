"""Times as the endpoints write them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(time: datetime) -> str:
    """Format as RFC 3339 UTC with milliseconds and Z."""
    utc = time.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


def rfc3339_or_none(time: datetime | None) -> str | None:
    """`rfc3339`, or None for no time."""
    return None if time is None else rfc3339(time)
