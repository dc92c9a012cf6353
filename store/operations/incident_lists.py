"""The pages of `/incident list`: a few rows by an index, however many incidents there are."""

from __future__ import annotations

from bot.incidents.listing import IncidentPage, ListFilter, Which
from bot.incidents.model import Incident, Severity
from store.incident_rows import incident_from
from store.operations import home, incidents
from store.operations.part import Part
from store.statements import Operation, Row, query

SEARCHED = 20_000  # of the newest incidents, if resolved ones are searched by words
_NEWEST = 2**62
_IS_OPEN = "status IN ('open', 'acknowledged')"
# One text a row: a term has no space, so it cannot match across two columns.
_HAS_TERM = "LOWER(title || ' ' || service || ' ' || sop_id || ' ' || env) LIKE LOWER(?) ESCAPE '!'"


def listed(chosen: ListFilter, after: int | None, limit: int) -> Operation[IncidentPage]:
    """Read the page behind the incident `after`; None for the first page.

    1. Read one row more than the page has. 2. Read where the cards are, and count the open
    incidents.
    """
    before: Incident | None = None
    if after is not None:
        before = yield from incidents.get(after)
    if chosen.which is Which.OPEN and chosen.owner:
        rows = yield from _owned(chosen, before, limit + 1)
    elif chosen.which is Which.OPEN:
        rows = yield from _open(chosen, before, limit + 1)
    else:
        rows = yield from _with_resolved(chosen, before, limit + 1)
    page = [incident_from(row) for row in rows[:limit]]
    return IncidentPage(
        page,
        (yield from home.places(page)),
        len(rows) > limit,
        (yield from _counts(chosen.channels)),
    )


def _open(chosen: ListFilter, before: Incident | None, limit: int) -> Operation[list[Row]]:
    """The open ones, most severe first, then newest first: each severity by its own index."""
    condition, values = _conditions(chosen)
    rows: list[Row] = []
    for severity in Severity:
        if len(rows) == limit or (before and severity.rank < before.severity.rank):
            continue
        newest = before.id if before and severity is before.severity else _NEWEST
        rows += yield query(
            f"SELECT * FROM incidents WHERE severity = ? AND {_IS_OPEN} AND id < ?{condition}"  # noqa: S608 - constants
            " ORDER BY id DESC LIMIT ?",
            severity,
            newest,
            *values,
            limit - len(rows),
        )
    return rows


def _owned(chosen: ListFilter, before: Incident | None, limit: int) -> Operation[list[Row]]:
    """The same of one owner, found by the index of owners: nobody owns thousands."""
    condition, values = _conditions(chosen)
    if before:
        condition += f" AND ({home.RANK} > ? OR ({home.RANK} = ? AND id < ?))"
        values = (*values, before.severity.rank, before.severity.rank, before.id)
    rows: list[Row] = yield query(
        f"SELECT * FROM incidents WHERE status = 'acknowledged'{condition}"  # noqa: S608 - constants
        f" ORDER BY {home.RANK}, id DESC LIMIT ?",
        *values,
        limit,
    )
    return rows


def _with_resolved(chosen: ListFilter, before: Incident | None, limit: int) -> Operation[list[Row]]:
    """The resolved ones, the last resolved first; or all, newest first."""
    condition, values = _conditions(chosen)
    if chosen.terms:
        condition += " AND id > (SELECT MAX(id) FROM incidents) - ?"
        values = (*values, SEARCHED)
    newest = before.id if before else _NEWEST
    if chosen.which is Which.RESOLVED:
        if before and before.resolved_at:
            condition += (
                " AND (resolved_at, id) < ((SELECT resolved_at FROM incidents WHERE id = ?), ?)"
            )
            values = (*values, before.id, before.id)
        rows: list[Row] = yield query(
            "SELECT * FROM incidents WHERE status = 'resolved' AND resolved_at IS NOT NULL"  # noqa: S608 - constants
            f"{condition} ORDER BY resolved_at DESC, id DESC LIMIT ?",
            *values,
            limit,
        )
        return rows
    rows = yield query(
        f"SELECT * FROM incidents WHERE id < ?{condition} ORDER BY id DESC LIMIT ?",  # noqa: S608 - constants
        newest,
        *values,
        limit,
    )
    return rows


def _conditions(chosen: ListFilter) -> tuple[str, tuple[object, ...]]:
    """The part of WHERE about the owner, the channels and the terms, and its values."""
    condition, values = "", list[object]()
    if chosen.owner:
        condition += " AND acknowledged_by = ?"
        values.append(chosen.owner)
    if chosen.channels is not None:
        clause, channels = _in_channels(chosen.channels)
        condition += f" AND {clause}"
        values += channels
    for term in chosen.terms:
        condition += f" AND {_HAS_TERM}"
        values.append(f"%{_escaped(term)}%")
    return condition, tuple(values)


def _in_channels(channels: frozenset[str]) -> tuple[str, list[str]]:
    """SQL that holds of the incidents of these channels, and its values."""
    if not channels:
        return "1 = 0", []
    return f"channel IN ({', '.join('?' * len(channels))})", sorted(channels)


def _counts(channels: frozenset[str] | None) -> Operation[dict[Severity, int]]:
    """The number of open incidents of each severity, in these channels or in all."""
    if channels is None:
        return (yield from incidents.open_severities())
    condition, values = _in_channels(channels)
    rows = yield query(
        "SELECT severity, COUNT(*) AS n FROM incidents"  # noqa: S608 - placeholders
        f" WHERE {_IS_OPEN} AND {condition} GROUP BY severity",
        *values,
    )
    return {Severity(row["severity"]): int(row["n"]) for row in rows}


def _escaped(term: str) -> str:
    for sign in "!%_":
        term = term.replace(sign, f"!{sign}")
    return term


class IncidentListsPart(Part):
    """The method of `Store` for `/incident list`."""

    async def listed_incidents(
        self, chosen: ListFilter, after: int | None, limit: int
    ) -> IncidentPage:
        """A page of the list; NotFound if `after` is no incident."""
        return await self._engine.read(listed, chosen, after, limit)
