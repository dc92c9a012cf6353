"""The times at which a backup is due: by an interval, or by a cron expression in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

_INTERVAL = re.compile(r"([1-9]\d{0,4})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
SHORTEST = timedelta(minutes=5)  # a backup reads and proves the whole store


@dataclass(frozen=True, slots=True)
class Schedule:
    """Either an interval or a cron expression, which APScheduler reads."""

    interval: timedelta | None
    cron: CronTrigger | None

    def is_due(self, last: datetime | None, now: datetime) -> bool:
        """Return whether a backup is due, if the last one began at `last` (None: there is none).

        Only the last backup counts, so a bot that was down at the time makes it when it starts.
        """
        if last is None:
            return True
        if self.interval is not None:
            return now - last >= self.interval
        assert self.cron is not None  # noqa: S101 - one of the two is set
        after = last.astimezone(UTC) + timedelta(microseconds=1)
        following = self.cron.get_next_fire_time(None, after)
        return following is not None and following <= now


def read_schedule(text: str) -> Schedule:
    """Read `90m`, `6h`, `1d` or five fields of cron. ValueError says what is wrong with it."""
    if match := _INTERVAL.fullmatch(text.strip()):
        interval = int(match[1]) * _UNITS[match[2]]
        if interval < SHORTEST:
            raise ValueError("must be at least 5m")
        return Schedule(interval, None)
    try:
        return Schedule(None, CronTrigger.from_crontab(text.strip(), timezone="UTC"))
    except ValueError as error:
        raise ValueError(
            "must be an interval such as 6h, or five fields of cron such as 17 3 * * *"
        ) from error
