"""The silences of the policy: maintenance windows, and quiet hours that hold minor alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bot.incidents.environments import Environments
from bot.incidents.matchers import Globs, Matcher, MatchKey
from bot.incidents.model import Severity
from bot.incidents.silences import QUIET_HOURS, Silence, of_policy
from bot.incidents.time_windows import TimeWindow
from bot.validation import FieldProblem, form


def _not_empty(windows: tuple[TimeWindow, ...]) -> tuple[TimeWindow, ...]:
    """Not `min_length`, which reports a bad window as a missing one too."""
    if not windows:
        raise ValueError("is empty")
    return windows


Windows = Annotated[
    tuple[TimeWindow, ...],
    Field(max_length=100, json_schema_extra={"minItems": 1}),
    AfterValidator(_not_empty),
]


class Maintenance(Matcher):
    """A planned maintenance: while a window is open, alerts that it matches open no incident."""

    name: Annotated[
        str, form(r"[a-z0-9][a-z0-9._-]{0,62}", "must be in lower case: letters, digits, '.-_'")
    ]
    reason: Annotated[str, Field(max_length=200)] = "maintenance"
    windows: Windows


class QuietHours(BaseModel):
    """Hours in which minor alerts wait for one digest. `post_at_once`: severities that do not.

    `match` selects the alerts, as in a maintenance; without it all of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    match: dict[MatchKey, Globs] = {}
    windows: Windows
    post_at_once: tuple[Severity, ...] = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if not self.held:
            raise ValueError("post_at_once: has every severity, so nothing would be held")
        if "severity" in self.match:
            raise ValueError("match: the severities are those that post_at_once does not have")
        _ = self.matcher  # ValueError for a glob that no alert can match
        return self

    @cached_property
    def matcher(self) -> Matcher:
        """Return the matcher of the alerts that wait."""
        return Matcher(match={**self.match, "severity": tuple(map(str, self.held))})

    @property
    def held(self) -> tuple[Severity, ...]:
        """Return the severities that wait for the digest."""
        return tuple(severity for severity in Severity if severity not in self.post_at_once)


def planned_silences(
    maintenance: Sequence[Maintenance], quiet_hours: Sequence[QuietHours], now: datetime
) -> tuple[Silence, ...]:
    """Return a silence for each maintenance whose window is open now, and for quiet hours.

    Their `id` is 0 and their channel '': the first alert that one suppresses stores it.
    """
    if not maintenance and not quiet_hours:
        return ()
    return tuple(
        Silence(
            id=0,
            matcher=matcher,
            reason=reason,
            author="",
            origin=of_policy(name, ends_at),
            channel="",
            made_at=now,
            ends_at=ends_at,
        )
        for name, matcher, reason, windows in _plans(maintenance, quiet_hours)
        if (ends_at := _open_until(windows, now)) is not None
    )


def _plans(
    maintenance: Sequence[Maintenance], quiet_hours: Sequence[QuietHours]
) -> Iterator[tuple[str, Matcher, str, Sequence[TimeWindow]]]:
    for item in maintenance:
        yield f"maintenance/{item.name}", item, item.reason, item.windows
    for place, hours in enumerate(quiet_hours):
        name = f"{QUIET_HOURS}/{place}" if place else QUIET_HOURS
        yield name, hours.matcher, "quiet hours", hours.windows


def _open_until(windows: Sequence[TimeWindow], now: datetime) -> datetime | None:
    ends = (window.open_until(now) for window in windows)
    return max((at for at in ends if at is not None), default=None)


def dead_silences(
    maintenance: Sequence[Maintenance],
    quiet_hours: Sequence[QuietHours],
    environments: Environments,
) -> Iterator[FieldProblem]:
    """Yield a problem for each name that is used twice, and each undeclared environment."""
    names: set[str] = set()
    for place, item in enumerate(maintenance):
        if item.name in names:
            yield FieldProblem(
                ("notify", "maintenance", place, "name"),
                f"{item.name!r} is the name of another one",
                "repeated_name",
            )
        names.add(item.name)
    matchers: list[tuple[str, Sequence[Matcher]]] = [
        ("maintenance", maintenance),
        ("quiet_hours", [hours.matcher for hours in quiet_hours]),
    ]
    for key, of_key in matchers:
        for place, matcher in enumerate(of_key):
            for glob in matcher.undeclared(environments):
                yield FieldProblem(
                    ("notify", key, place, "match", "env"),
                    f"no declared environment is {glob!r}, so it can never match;"
                    " declare it under remediate.environments",
                    "unknown_environment",
                )
