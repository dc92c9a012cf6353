"""Times before which an incident is due, by its scope: an override may set another one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.incidents.subject import Scope
from store.incident_rows import scope_from
from store.statements import Row, to_db_time

MOST_READ = 10_000
"""Incidents that are read at once where not all that are old enough for one scope are due."""


@dataclass(frozen=True, slots=True)
class Cutoff:
    """The latest of the times of all scopes, and the time of each; without `by_scope` they are one.

    `by_scope` returns None for a scope in which no incident is ever due, and `override_of` the
    name of the override that decides on it, '' for none.
    """

    latest: datetime
    by_scope: Callable[[Scope], datetime | None] | None = None
    override_of: Callable[[Scope], str] | None = None

    def of(self, row: Row) -> datetime | None:
        """Return the time for the incident of that row, which has its scope's columns."""
        return self.by_scope(scope_from(row)) if self.by_scope else self.latest

    def if_before(self, row: Row, at: str) -> datetime | None:
        """Return the time for the incident of that row if `at` is not after it, else None."""
        time = self.of(row)
        return time if time is not None and at <= to_db_time(time) else None

    def decided_by(self, row: Row) -> str:
        """Return the name of the override that decides on the incident of that row, '' for none."""
        return self.override_of(scope_from(row)) if self.override_of else ""

    def limit(self, due: int) -> int:
        """Return how many rows to read so that not only those of one scope are seen."""
        return MOST_READ if self.by_scope else due
