"""Finds the times of an alert in a JSON body: when the trouble began, and when it ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from bot.errors import InputError
from bot.intake.field_names import BEGIN_NAMES, END_NAMES, METADATA_STARTS, START_NAMES
from bot.intake.fields import optional_time
from bot.intake.holders import Holders
from bot.intake.times import is_zero_time, read_time

# Any other name of a time, such as `alarm_date_time`, `request_start_time` or `occur_at`.
_TIME_NAME = re.compile(
    r"(?:\w+_)?(?:time|at|date|datetime|timestamp|ts|on|start|started|begin|reported)"
    r"(?:_(?:iso|utc|ms|millis|epoch|unix))?"
)
# Times of something else: of the end, of the message, of what was before.
_OTHER_TIME = re.compile(
    r"(?:^|_)(?:end|ended|recover\w*|resol\w*|close\w*|clear\w*|restor\w*|update\w*|last|sent"
    r"|notif\w*|expir\w*|response|range|zone|previous|prev|next|due|until|dismiss\w*|ack\w*"
    r"|modif\w*|deliver\w*|deploy\w*|silence\w*|window)(?:_|$)"
)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before this a number is no time but an amount
_RECOVERY = (
    "recovery_time", "recover_time", "recovered_at", "resolved_at", "closed_at", "cleared_at",
    "resolved_time", "closed_time", "cleared_time", "resolved_on", "closed_on",
)  # fmt: skip


class TimesOfBody:
    """The times of one body. What has another form than a time is noted in `problems`."""

    def __init__(self, holders: Holders, where: str, problems: list[InputError]) -> None:
        self.holders = holders
        self.where = where
        self.problems = problems

    def start(self, metadata: Mapping[str, str]) -> datetime | None:
        """Return when the trouble began: under a name that says so, else any time of the body."""
        for holder in (self.holders.own, self.holders.subject):
            for name in BEGIN_NAMES:
                if name in holder and (time := _time_in(holder[name])) is not None:
                    return time
        return self._listed(START_NAMES) or _first_time(metadata) or self._unlisted()

    def end(self) -> datetime | None:
        """Return when the trouble ended, or None."""
        return self._listed(END_NAMES)

    def _listed(self, names: tuple[str, ...]) -> datetime | None:
        own = self.holders.own
        for name in names:
            value = own.get(name)
            if value is None or isinstance(value, dict | list):
                if (time := _time_in(value)) is not None:
                    return time
                continue
            try:
                time = optional_time(value, f"{self.where}.{name}" if self.where else name)
            except InputError as error:
                self.problems.append(error)
                continue
            if time is not None:
                return time
        for holder in (self.holders.subject, self.holders.inner):
            for name in names:
                if name in holder and (time := _time_in(holder[name])) is not None:
                    return time
        return None

    def _unlisted(self) -> datetime | None:
        for holder in self.holders.each():
            for name, value in holder.items():
                if _is_time_name(name):
                    time = _time_in(value)
                    if time is not None and time >= _EARLIEST:
                        return time
        return None


@lru_cache(maxsize=4096)  # the same few names come again
def _is_time_name(name: str) -> bool:
    return _TIME_NAME.fullmatch(name) is not None and not _OTHER_TIME.search(name)


def has_recovered(holders: Holders) -> bool:
    """Return True if the body has the time of a recovery, and not only the name of one."""
    for holder in (holders.own, holders.subject):
        for name in _RECOVERY:
            value = holder.get(name)
            if value is None or value == "0" or is_zero_time(value):
                continue
            if (time := read_time(value)) is not None and time >= _EARLIEST:
                return True
    return False


def _time_in(value: object) -> datetime | None:
    if isinstance(value, dict) and len(value) == 1:
        value = value.get("$date")  # extended JSON of MongoDB
    return read_time(value)


def _first_time(metadata: Mapping[str, Any]) -> datetime | None:
    times = (read_time(metadata.get(key)) for key in METADATA_STARTS)
    return next(filter(None, times), None)
