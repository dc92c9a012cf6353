"""Limits the plans that a caller may ask for: planning reads the live state of other systems."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.gateway.errors import Refusal

_SPAN = timedelta(minutes=1)


class PlanRate:
    """Allows each source `most` plans within any minute. The sources are those of the config."""

    def __init__(self, most: int, clock: Callable[[], datetime]) -> None:
        self._most = most
        self._clock = clock
        self._taken: dict[str, deque[datetime]] = {}

    def take(self, source: str) -> None:
        """Count one plan of this source. Refusal 429: it has had its share of this minute."""
        now, taken = self._clock(), self._taken.setdefault(source, deque())
        while taken and taken[0] <= now - _SPAN:
            taken.popleft()
        if len(taken) >= self._most:
            wait = max(1, round((taken[0] + _SPAN - now).total_seconds()))
            message = f"{source} has asked for {self._most} plans within a minute. Wait {wait} s."
            raise Refusal(429, "too_many_plans", message, retry_after=wait)
        taken.append(now)
