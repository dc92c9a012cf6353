"""Counts how often each caller did something within the last span of time."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta

_MOST_KEYS = 1_000  # that are counted at once


class RateWindow:
    """Allows each key `most` uses within any `span`. It keeps the latest keys only."""

    def __init__(self, most: int, span: timedelta) -> None:
        self._most, self._span = most, span
        self._times: OrderedDict[str, deque[datetime]] = OrderedDict()

    def take(self, key: str, now: datetime) -> timedelta:
        """Count one use, and return zero. Return the time until there is room, and count nothing,
        if the key has had its share.
        """
        times = self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        while len(self._times) > _MOST_KEYS:
            self._times.popitem(last=False)
        while times and times[0] <= now - self._span:
            times.popleft()
        if len(times) >= self._most:
            return times[0] + self._span - now
        times.append(now)
        return timedelta()
