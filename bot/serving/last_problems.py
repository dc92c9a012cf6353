"""The last warnings and errors of this process, for its diagnostic dump."""

from __future__ import annotations

import json
import logging
from collections import deque
from typing import Any

KEPT = 20


class LastProblems(logging.Handler):
    """Keeps the last log lines of warnings and errors, formatted as JSON by `formatter`."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(formatter)
        self._lines: deque[str] = deque(maxlen=KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one more record."""
        self._lines.append(self.format(record))

    def lines(self) -> list[Any]:
        """Return the lines, oldest first, each with its fields."""
        return [json.loads(line) for line in self._lines]


def last_problems() -> list[Any]:
    """Return the last warnings and errors of this process, oldest first; none before the log is set
    up.
    """
    kept = (h for h in logging.getLogger().handlers if isinstance(h, LastProblems))
    return [line for handler in kept for line in handler.lines()]
