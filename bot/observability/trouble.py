"""A trouble that comes back every second is said once a minute, and at once when it is another."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

REMIND = 60.0  # seconds until the same trouble is said again


class Trouble:
    """What keeps one part from its work, in `says` with the error in it.

    There is nothing to call when the work is done: of a part that fails and succeeds in turns a
    line each time would be too many as well.
    """

    def __init__(
        self,
        log: logging.Logger,
        level: int,
        says: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._level = level
        self._says = says
        self._monotonic = monotonic
        self._last = ""
        self._told_at = 0.0

    def came(self, error: Exception) -> None:
        """Log it; at DEBUG when just that was said less than a minute ago."""
        now, text = self._monotonic(), str(error)
        told = text == self._last and now - self._told_at < REMIND
        if not told:
            self._last, self._told_at = text, now
        self._log.log(logging.DEBUG if told else self._level, self._says, error)
