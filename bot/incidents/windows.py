"""Reads a window of time, as people and programs write it: 24h, 7d, 2w."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.errors import InputError
from bot.language import deferred

_HOURS = {"h": 1, "d": 24, "w": 168}
_FORM = re.compile(r"([0-9]{1,5})([hdw])", re.IGNORECASE)
LONGEST_HOURS = 8_760
"""A year."""


@dataclass(frozen=True, slots=True)
class Window:
    """The last `hours` hours; `text` is how it was asked for."""

    text: str
    hours: int

    def since(self, now: datetime) -> datetime:
        """Return when it begins."""
        return now - timedelta(hours=self.hours)


def parse_window(text: str) -> Window:
    """Parse Nh, Nd or Nw, from 1 hour to a year. InputError for anything else."""
    match = _FORM.fullmatch(text.strip())
    hours = int(match[1]) * _HOURS[match[2].lower()] if match else 0
    if not 1 <= hours <= LONGEST_HOURS:
        raise InputError(
            deferred("The window must be hours, days or weeks, from 1h to 8760h."),
            field="window",
            remedy=deferred("Examples: 24h, 7d, 2w."),
        )
    return Window(text.strip().lower(), hours)
