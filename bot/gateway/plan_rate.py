"""Limits the plans that a caller may ask for: planning reads the live state of other systems."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.gateway.errors import Refusal
from bot.serving.rate_window import RateWindow


class PlanRate:
    """Allows each source `most` plans within any minute."""

    def __init__(self, most: int, clock: Callable[[], datetime]) -> None:
        self._most = most
        self._clock = clock
        self._window = RateWindow(most, timedelta(minutes=1))

    def take(self, source: str) -> None:
        """Count one plan of this source. Refusal 429: it has had its share of this minute."""
        if wait := self._window.take(source, self._clock()):
            seconds = max(1, round(wait.total_seconds()))
            message = (
                f"{source} has asked for {self._most} plans within a minute. Wait {seconds} s."
            )
            raise Refusal(429, "too_many_plans", message, retry_after=seconds)
