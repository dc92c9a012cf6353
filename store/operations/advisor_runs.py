"""The runs of the advisors, which the budget counts, and the rate at which people ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.advice.load.budget import Spent, Usage, spent
from bot.advice.load.segment import AdviceLimits
from bot.errors import Refused
from bot.language import deferred
from store.operations.part import Part
from store.statements import Operation, Row, query, run, to_db_time, together

_HOUR = timedelta(hours=1)
_SUM = (
    "SELECT COUNT(*) AS runs, COALESCE(SUM(milliseconds), 0) AS milliseconds,"
    " COALESCE(SUM(tokens), 0) AS tokens FROM advisor_runs WHERE"
)


def start(about: str, limits: AdviceLimits, now: datetime) -> Operation[int | Spent]:
    """Store that a run begins, or return the limit that forbids it.

    1. Read what was used today and for this incident. 2. Store the run: it counts from now on,
    also if this process dies.
    """
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    of_day, of_incident = yield from together(
        query(f"{_SUM} started_at >= ?", to_db_time(day)),
        query(f"{_SUM} about = ?", about),
    )
    limit = spent(limits, about, _usage(of_day[0]), _usage(of_incident[0]))
    if limit is not None:
        return limit
    rows = yield query(
        "INSERT INTO advisor_runs (about, started_at) VALUES (?, ?) RETURNING id",
        about,
        to_db_time(now),
    )
    return int(rows[0]["id"])


def end(run_id: int, seconds: float, tokens: int) -> Operation[None]:
    """Store what a run used."""
    yield run(
        "UPDATE advisor_runs SET milliseconds = ?, tokens = ? WHERE id = ?",
        round(seconds * 1000),
        tokens,
        run_id,
    )


def check_rate(user: str, incident_id: int, limits: AdviceLimits, now: datetime) -> Operation[None]:
    """Raise Refused if this person, or all in the incident's channel, asked too often lately."""
    since = to_db_time(now - _HOUR)
    rows = yield query(
        "SELECT COALESCE(SUM(CASE WHEN v.asked_by = ? THEN 1 ELSE 0 END), 0) AS by_person,"
        " COALESCE(SUM(CASE WHEN i.channel = (SELECT channel FROM incidents WHERE id = ?)"
        " THEN 1 ELSE 0 END), 0) AS in_channel"
        " FROM advice v JOIN incidents i ON i.id = v.incident_id"
        " WHERE v.question != '' AND v.asked_at > ?",
        user,
        incident_id,
        since,
    )
    person, channel = limits.questions_per_person, limits.questions_per_channel
    if person and rows[0]["by_person"] >= person:
        limit, key = person, "questions_per_person"
        text = deferred("Not asked: you asked {limit} questions within the last hour.", limit=limit)
    elif channel and rows[0]["in_channel"] >= channel:
        limit, key = channel, "questions_per_channel"
        text = deferred(
            "Not asked: the people of this channel asked {limit} questions within the last hour.",
            limit=limit,
        )
    else:
        return
    raise Refused(
        text,
        remedy=deferred("Ask again later; an operator can raise `llm.limits.{key}`.", key=key),
        reason="asked_too_often",
    )


def _usage(row: Row) -> Usage:
    return Usage(int(row["runs"]), int(row["milliseconds"]) / 1000, int(row["tokens"]))


class AdvisorRunsPart(Part):
    """The methods of `Store` for the runs of advisors."""

    async def start_advisor_run(
        self, about: str, limits: AdviceLimits, now: datetime
    ) -> int | Spent:
        """Store that a run about `about` begins, and return its id; or the limit that forbids it.

        The run counts from now on, also if this process dies.
        """
        return await self._write(start, about, limits, now)

    async def end_advisor_run(self, run_id: int, seconds: float, tokens: int) -> None:
        """Store what the run used."""
        await self._write(end, run_id, seconds, tokens)
