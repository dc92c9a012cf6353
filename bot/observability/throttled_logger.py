"""Logs an error that repeats every second once a minute, and another error immediately."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

REMIND = 60.0  # seconds until the same error is logged at its level again


class ThrottledLogger:
    """Logs the error that stops one part, in `message` with the error in it.

    Success is not reported here: if a part fails and succeeds by turns, a line for each change
    would be too many as well.
    """

    def __init__(
        self,
        log: logging.Logger,
        level: int,
        message: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._level = level
        self._message = message
        self._monotonic = monotonic
        self._last = ""
        self._logged_at = 0.0

    def log(self, error: Exception) -> None:
        """Log the error; at DEBUG if the same text was logged less than a minute ago."""
        now, text = self._monotonic(), str(error)
        is_repeat = text == self._last and now - self._logged_at < REMIND
        if not is_repeat:
            self._last, self._logged_at = text, now
        self._log.log(logging.DEBUG if is_repeat else self._level, self._message, error)
