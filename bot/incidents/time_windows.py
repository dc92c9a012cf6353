"""Windows of time that an operator declares: maintenance windows and quiet hours.

A window is weekly (`days`, `start`, `end`), by cron (`cron`, `minutes`), or one-off (`starts_at`,
`ends_at`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
EVERY_DAY: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST_MINUTES = 7 * 24 * 60

_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_FIELDS = (
    frozenset({"start", "end"}),
    frozenset({"cron", "minutes"}),
    frozenset({"starts_at", "ends_at"}),
)

_ONE_KIND: list[Any] = [{"required": sorted(fields)} for fields in _FIELDS]


def _in_quotes(value: Any) -> Any:
    """Text `HH:MM`, nothing else: to YAML an unquoted 22:00 is the number 1320."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError('must be HH:MM, without a zone; write it in quotes: "22:00"')
    return value


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, KeyError, OSError):  # a folder of the zones is an OSError
        raise ValueError("not a time zone of this machine; for example Europe/Berlin") from None
    return value


def _is_cron(value: str) -> str:
    try:
        CronTrigger.from_crontab(value, timezone="UTC")
    except ValueError:
        raise ValueError('must be a cron expression of five fields, as "0 2 * * sun"') from None
    return value


TimeOfDay = Annotated[
    time,
    BeforeValidator(
        _in_quotes, json_schema_input_type=Annotated[str, Field(pattern=f"^(?:{_TIME.pattern})$")]
    ),
]
Zone = Annotated[str, AfterValidator(_known_zone)]
Cron = Annotated[str, AfterValidator(_is_cron)]


class TimeWindow(BaseModel):
    """One window. A weekly one that ends before it starts goes on past midnight.

    `timezone` is that of `days`, `start`, `end` and `cron`.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        json_schema_extra={"oneOf": _ONE_KIND},
    )

    days: tuple[Day, ...] = EVERY_DAY
    start: TimeOfDay | None = None
    end: TimeOfDay | None = None
    cron: Cron | None = None
    minutes: int | None = Field(default=None, ge=1, le=LONGEST_MINUTES)
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        fields = set().union(*_FIELDS)
        present = {name for name in fields if getattr(self, name) is not None}
        if present not in _FIELDS:
            raise ValueError(
                "needs start and end, or cron and minutes, or starts_at and ends_at, and no others"
            )
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self

    def open_until(self, now: datetime) -> datetime | None:
        """Return when the window closes if it is open at `now`, else None."""
        if self.cron is not None:
            return _cron_open_until(self, now.replace(second=0, microsecond=0))
        if self.starts_at and self.ends_at:
            return self.ends_at if self.starts_at <= now < self.ends_at else None
        today = now.astimezone(self._zone).date()
        spans = (self._span(today - timedelta(days=1)), self._span(today))
        return max(
            (ends_at for starts_at, ends_at in filter(None, spans) if starts_at <= now < ends_at),
            default=None,
        )

    def next_opening(self, now: datetime) -> datetime | None:
        """Return when the window opens after `now`; None if it never does again."""
        if self.cron is not None:
            trigger = CronTrigger.from_crontab(self.cron, timezone=self._zone)
            at: datetime | None = trigger.get_next_fire_time(None, now + timedelta(microseconds=1))
            return at
        if self.starts_at:
            return self.starts_at if self.starts_at > now else None
        today = now.astimezone(self._zone).date()
        spans = (self._span(today + timedelta(days=days)) for days in range(-1, 9))
        starts = (starts_at for starts_at, _ in filter(None, spans) if starts_at > now)
        return min(starts, default=None)

    def _span(self, day: date) -> tuple[datetime, datetime] | None:
        """Return when the weekly window opens on that day, and closes, in UTC."""
        if self.start is None or self.end is None or EVERY_DAY[day.weekday()] not in self.days:
            return None
        last = day + timedelta(days=int(self.end <= self.start))
        starts_at, ends_at = (
            datetime.combine(on, at, self._zone).astimezone(UTC)
            for on, at in ((day, self.start), (last, self.end))
        )
        return starts_at, ends_at

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@lru_cache(maxsize=1024)  # every delivery asks; cron and minutes change nothing within a minute
def _cron_open_until(window: TimeWindow, minute: datetime) -> datetime | None:
    length = timedelta(minutes=window.minutes or 0)
    opened = window.next_opening(minute - length)
    return (opened + length).astimezone(UTC) if opened and opened <= minute else None


def in_window(windows: Iterable[TimeWindow], now: datetime) -> bool:
    """Return whether one of the windows is open at `now`."""
    return any(window.open_until(now) for window in windows)


def next_opening(windows: Iterable[TimeWindow], now: datetime) -> datetime | None:
    """Return when the next window opens after `now`; None without any."""
    return min(_openings(windows, now), default=None)


def _openings(windows: Iterable[TimeWindow], now: datetime) -> Iterator[datetime]:
    for window in windows:
        if (at := window.next_opening(now)) is not None:
            yield at
