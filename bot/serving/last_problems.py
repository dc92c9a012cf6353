"""The last warnings and errors of this process, for its diagnostic dump."""

from __future__ import annotations

import json
import logging
from collections import deque
from typing import Any

KEPT = 20


class LastProblems(logging.Handler):
    """Keeps the last log lines of warnings and errors, as `formatter` makes JSON of them."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(formatter)
        self._lines: deque[str] = deque(maxlen=KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one more."""
        self._lines.append(self.format(record))

    def lines(self) -> list[Any]:
        """Oldest first, each with its fields."""
        return [json.loads(line) for line in self._lines]


def last_problems() -> list[Any]:
    """The last warnings and errors of this process, oldest first; none before the log is set up."""
    kept = (h for h in logging.getLogger().handlers if isinstance(h, LastProblems))
    return [line for handler in kept for line in handler.lines()]
