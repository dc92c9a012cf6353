"""The clocks of a store: this machine's, or the database's if several machines share it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

LONGEST_LOOK = 1.0  # seconds


def system_clock() -> datetime:
    """Return this machine's time in UTC."""
    return datetime.now(UTC)


class DatabaseClock:
    """The database's time in UTC, to within half a round trip.

    Between two readings it adds the seconds of this machine's steady clock, so leases and deadlines
    are right even if a replica's time of day is wrong. `monotonic` is that steady clock. Before the
    first reading it returns the machine's time.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began = system_clock() - timedelta(seconds=monotonic())
        self._looked = False

    def __call__(self) -> datetime:
        """The database's time."""
        return self._began + timedelta(seconds=self._monotonic())

    def set(self, at: datetime, asked_at: float, answered_at: float) -> None:
        """The database said `told` between these two readings of `monotonic`.

        A reading that took long is inexact: it is ignored if there is an earlier one.
        """
        if self._looked and answered_at - asked_at > LONGEST_LOOK:
            return
        self._looked = True
        self._began = at - timedelta(seconds=(asked_at + answered_at) / 2)

    def reading(self) -> float:
        """The steady clock, for `set`."""
        return self._monotonic()
