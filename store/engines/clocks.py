"""The clocks of a store: this machine's, or the database's if several machines share it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

LONGEST_LOOK = 1.0  # seconds


def system_clock() -> datetime:
    """Now, in UTC, as this machine has it."""
    return datetime.now(UTC)


class DatabaseClock:
    """Now as the database has it, in UTC, to within half a round trip.

    Between two looks this machine's steady clock goes on.

    However wrong a replica's own time of day is, its leases and deadlines are right. `monotonic`
    is the machine's clock that nobody sets. Before the first look it tells the machine's time.
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

        A look that took long tells little, and is passed over when there was one before.
        """
        if self._looked and answered_at - asked_at > LONGEST_LOOK:
            return
        self._looked = True
        self._began = at - timedelta(seconds=(asked_at + answered_at) / 2)

    def reading(self) -> float:
        """The steady clock, for `set`."""
        return self._monotonic()
