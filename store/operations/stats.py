"""Statistics of a window of time.

What happened in an hour that is over is summarised once, in one row. A window reads these rows, and
the rest of its time by covering indexes: no statement reads a row of alerts or incidents. So the
time is the same for a thousand alerts and for a million, and the numbers stay when alerts are
pruned.

Repeats are counted by the hour: those of the window's first hour belong to it if the last of them
does.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from bot.fast_json import loads
from bot.incidents.model import Incident, IncidentStatus, Severity
from bot.incidents.stats import (
    IncidentStats,
    PeriodStats,
    Repeat,
    Span,
    TypeCount,
)
from store.incident_rows import incident_from
from store.operations.part import Part
from store.operations.repeats import hour_of
from store.rows import dump
from store.statements import (
    Operation,
    from_db_time,
    query,
    run,
    to_db_time,
    together,
)

HOUR = timedelta(hours=1)
SETTLED_AFTER = timedelta(minutes=10)
"""After the end of an hour: a transaction that began within it has ended by then."""
FOREVER = "9999"

_IS_OPEN = "status IN ('open', 'acknowledged')"
_ENDS = {
    Span.ACKNOWLEDGED: ("created_at", "acknowledged_at", "incidents WHERE acknowledged_at"),
    Span.RESOLVED: ("created_at", "resolved_at", "incidents WHERE resolved_at"),
    Span.CARD: ("created_at", "posted_at", "outbox WHERE kind = 'card' AND posted_at"),
    Span.ADVICE: ("asked_at", "given_at", "advice WHERE question = '' AND given_at"),
}
_SPANS = {
    span: f"SELECT {begin} AS began, {end} AS ended FROM {of} >= ? AND {end} < ?"  # noqa: S608 - constants
    for span, (begin, end, of) in _ENDS.items()
}


def read(since: datetime) -> Operation[IncidentStats]:
    """Read the numbers of the window that began then.

    1. Read the incidents, and the summaries of the whole hours. 2. Read what happened in the part
    of an hour before them and in the hours after them.
    """
    first_hour = hour_of(since) if since == hour_of(since) else hour_of(since) + HOUR
    incidents, open_now, flapping, progress, hours = yield from together(
        query(
            "SELECT severity, status, COUNT(*) AS n FROM incidents WHERE created_at >= ?"
            " GROUP BY severity, status",
            to_db_time(since),
        ),
        query(f"SELECT COUNT(*) AS n FROM incidents WHERE {_IS_OPEN}"),  # noqa: S608 - constant
        query("SELECT COUNT(*) AS n FROM incidents WHERE flapping_changes > 0"),
        query("SELECT until FROM stats_progress WHERE name = 'hours'"),
        query("SELECT body FROM stats_hours WHERE hour >= ?", to_db_time(first_hour)),
    )
    until = progress[0]["until"] if progress else ""
    period = PeriodStats()
    for row in hours:
        period.merge_json(loads(row["body"]))
    if until > to_db_time(first_hour):
        period.merge((yield from _happened(to_db_time(since), to_db_time(first_hour))))
        period.merge((yield from _happened(until, FOREVER)))
    else:
        period.merge((yield from _happened(to_db_time(since), FOREVER)))
    counts: dict[Severity, dict[IncidentStatus, int]] = defaultdict(dict)
    for row in incidents:
        counts[Severity(row["severity"])][IncidentStatus(row["status"])] = int(row["n"])
    return IncidentStats(counts, int(open_now[0]["n"]), int(flapping[0]["n"]), period)


def _happened(begin: str, end: str) -> Operation[PeriodStats]:
    """Read what happened from `begin` to before `end`."""
    period = PeriodStats()
    if begin >= end:
        return period
    alerts, repeats, *spans = yield from together(
        query(
            "SELECT reason, COUNT(*) AS n FROM alerts WHERE received_at >= ? AND received_at < ?"
            " GROUP BY reason",
            begin,
            end,
        ),
        query(
            "SELECT COALESCE(SUM(count), 0) AS n FROM repeats"
            " WHERE hour >= ? AND hour < ? AND last_at >= ?",
            to_db_time(hour_of(from_db_time(begin))),
            end,
            begin,
        ),
        *(query(sql, begin, end) for sql in _SPANS.values()),
    )
    period.alerts.update({row["reason"]: int(row["n"]) for row in alerts})
    period.repeats = int(repeats[0]["n"])
    for span, rows in zip(_SPANS, spans, strict=True):
        for row in rows:
            if row["began"]:  # not so in a row of the bot before
                taken = from_db_time(row["ended"]) - from_db_time(row["began"])
                period.spans[span].add(taken.total_seconds())
    return period


def summarise(now: datetime) -> Operation[bool]:
    """Summarise the next hour that is over; False when none is.

    1. Read how far it is done; at first, from the oldest row on. 2. Read what happened. 3. Store it
    and the progress.
    """
    progress = yield query("SELECT until FROM stats_progress WHERE name = 'hours'")
    if progress:
        hour = from_db_time(progress[0]["until"])
    else:
        oldest = yield query(
            "SELECT MIN(at) AS at FROM (SELECT MIN(received_at) AS at FROM alerts"
            " UNION ALL SELECT MIN(created_at) FROM incidents WHERE created_at != '') AS times"
        )
        hour = hour_of(from_db_time(oldest[0]["at"]) if oldest[0]["at"] else now)
    if hour + HOUR + SETTLED_AFTER > now:
        return False
    begin, end = to_db_time(hour), to_db_time(hour + HOUR)
    period = yield from _happened(begin, end)
    if period != PeriodStats():
        yield run(
            "INSERT INTO stats_hours (hour, body) VALUES (?, ?)"
            " ON CONFLICT (hour) DO UPDATE SET body = excluded.body",
            begin,
            dump(period.as_json()),
        )
    yield run(
        "INSERT INTO stats_progress (name, until) VALUES ('hours', ?)"
        " ON CONFLICT (name) DO UPDATE SET until = excluded.until",
        end,
    )
    return True


def by_type(since: datetime, limit: int) -> Operation[list[TypeCount]]:
    """The types with the most incidents, most first."""
    severities = ", ".join(
        f"COUNT(CASE WHEN severity = '{severity}' THEN 1 END) AS {severity}"
        for severity in Severity
    )
    rows = yield query(
        "SELECT category, COUNT(*) AS n,"  # noqa: S608 - constants
        f" COUNT(CASE WHEN {_IS_OPEN} THEN 1 END) AS open, {severities}"
        " FROM incidents WHERE created_at >= ? GROUP BY category ORDER BY n DESC, category LIMIT ?",
        to_db_time(since),
        limit,
    )
    return [
        TypeCount(
            row["category"],
            int(row["n"]),
            int(row["open"]),
            {severity: int(row[str(severity)]) for severity in Severity},
        )
        for row in rows
    ]


def most_repeated(since: datetime, limit: int) -> Operation[list[Repeat]]:
    """The alerts that were repeated most, most first."""
    rows = yield query(
        "SELECT incident_id, alert, SUM(count) AS n, MAX(last_at) AS last_at FROM repeats"
        " WHERE hour >= ? AND last_at >= ?"
        " GROUP BY incident_id, alert ORDER BY n DESC, incident_id, alert LIMIT ?",
        to_db_time(hour_of(since)),
        to_db_time(since),
        limit,
    )
    return [
        Repeat(row["incident_id"], row["alert"], int(row["n"]), from_db_time(row["last_at"]))
        for row in rows
    ]


def page(
    status: IncidentStatus | None, limit: int, before: int | None
) -> Operation[list[Incident]]:
    """A page of all incidents, or of those in one status, newest first."""
    condition = "id < ?"
    values: tuple[object, ...] = ()
    if status is not None:
        condition, values = f"status = ? AND {condition}", (status,)
    if status in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED):
        condition = f"{_IS_OPEN} AND {condition}"  # the words of the index of open incidents
    rows = yield query(
        f"SELECT * FROM incidents WHERE {condition} ORDER BY id DESC LIMIT ?",  # noqa: S608 - constants
        *values,
        before if before is not None else 2**62,
        limit,
    )
    return [incident_from(row) for row in rows]


class StatsPart(Part):
    """The methods of `Store` for statistics."""

    async def stats(self, since: datetime) -> IncidentStats:
        """Return the numbers of the window that began then."""
        return await self._engine.read(read, since)

    async def summarise_hour(self, now: datetime) -> bool:
        """Summarise the next hour that is over, for the statistics; False when none is left."""
        return await self._write(summarise, now)

    async def stats_by_type(self, since: datetime, limit: int) -> list[TypeCount]:
        """Return the types with the most incidents, most first."""
        return await self._engine.read(by_type, since, limit)

    async def most_repeated(self, since: datetime, limit: int) -> list[Repeat]:
        """Return the alerts that their senders repeated most, most first."""
        return await self._engine.read(most_repeated, since, limit)

    async def incidents(
        self, status: IncidentStatus | None = None, *, limit: int, before: int | None = None
    ) -> list[Incident]:
        """Return a page of incidents, newest first; `before` an id pages on."""
        return await self._engine.read(page, status, limit, before)
