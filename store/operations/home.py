"""App Home: reads the facts of a person's Home tab, and keeps which tabs count as open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.incidents.home import HomeFacts, ListedIncidents
from bot.incidents.model import Incident, Severity
from store.incident_rows import incident_from
from store.operations import handovers
from store.operations.part import Part
from store.statements import Operation, Row, Statement, query, run, to_db_time, together

OPEN_FOR = timedelta(minutes=30)
"""A Home tab counts as open for so long after it was opened or pressed in: Slack does not say when
a person leaves it."""
CHECKED_EVERY = timedelta(seconds=30)
NOTICE_FOR = timedelta(minutes=2)
CHECKED_AT_ONCE = 20  # tabs; with a run each five seconds Slack's limit of 100 a minute is far


_IS_OPEN = "status IN ('open', 'acknowledged')"
_MINE = "FROM incidents WHERE acknowledged_by = ? AND status = 'acknowledged'"
_MUTED = "FROM incidents WHERE muted_by != '' AND (muted_until = '' OR muted_until > ?)"
_RESOLVED = "FROM incidents WHERE resolved_at IS NOT NULL AND resolved_at >= ?"
RANK = "CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END"


def _list(condition: str, value: str, order: str, limit: int) -> tuple[Statement, Statement]:
    """The first rows of a list, and the number of all."""
    return (
        query(f"SELECT * {condition} ORDER BY {order} LIMIT ?", value, limit),
        query(f"SELECT COUNT(*) AS n {condition}", value),
    )


def _listed(rows: Sequence[Row], total: Sequence[Row]) -> ListedIncidents:
    return ListedIncidents([incident_from(row) for row in rows], int(total[0]["n"]))


def facts(user: str, limit: int, since: datetime, now: datetime) -> Operation[HomeFacts]:
    """Read what the Home tab of a person shows, at most `limit` incidents a list.

    A child of a cascade is part of its root, so `others` has no children.
    1. Read the lists and the counts. 2. Read where the cards are.
    """
    period = to_db_time(since)
    lists = yield from together(
        *_list(_MINE, user, f"{RANK}, id DESC", limit),
        *_list(_MUTED, to_db_time(now), "id DESC", limit),
        *_list(_RESOLVED, period, "resolved_at DESC", limit),
        query(f"SELECT severity, COUNT(*) AS n FROM incidents WHERE {_IS_OPEN} GROUP BY severity"),  # noqa: S608 - constant
        query("SELECT COUNT(*) AS n FROM incidents WHERE created_at >= ?", period),
        _notice_of(user, now),
        query(handovers.WAITING_OF, user, user),
        *(most_severe(severity, user, limit) for severity in Severity),
    )
    mine, muted, resolved = (_listed(*lists[place : place + 2]) for place in (0, 2, 4))
    severities, opened, notice, offered, *by_severity = lists[6:]
    counts = {Severity(row["severity"]): int(row["n"]) for row in severities}
    others = [incident_from(row) for rows in by_severity for row in rows][:limit]
    shown = [*mine.incidents, *others, *muted.incidents, *resolved.incidents]
    return HomeFacts(
        mine=mine,
        others=others,
        severities=counts,
        muted=muted,
        resolved=resolved,
        opened=int(opened[0]["n"]),
        places=(yield from places(shown)),
        handovers=[handovers.handover_from(row) for row in offered],
        notice=notice[0]["notice"] if notice else "",
    )


def _notice_of(user: str, now: datetime) -> Statement:
    return query(
        "SELECT notice FROM home_tabs WHERE user_id = ? AND notice_at > ?",
        user,
        to_db_time(now - NOTICE_FOR),
    )


def notice_of(user: str, now: datetime) -> Operation[str]:
    """Return the answer to the last press in a person's tab, '' once it is old."""
    rows = yield _notice_of(user, now)
    return rows[0]["notice"] if rows else ""


def most_severe(severity: str, user: str, limit: int) -> Statement:
    """The newest open incidents of a severity that are not this person's, without children."""
    return query(
        f"SELECT * FROM incidents WHERE severity = ? AND {_IS_OPEN}"  # noqa: S608 - constant
        " AND parent_id IS NULL AND acknowledged_by != ? ORDER BY id DESC LIMIT ?",
        severity,
        user,
        limit,
    )


def in_channel(
    channel: str, limit: int
) -> Operation[tuple[ListedIncidents, dict[int, tuple[str, str]]]]:
    """Return the open incidents of a channel, the most severe first, and where their cards are."""
    condition = f"FROM incidents WHERE {_IS_OPEN} AND parent_id IS NULL AND channel = ?"
    listed = _listed(*(yield from together(*_list(condition, channel, f"{RANK}, id DESC", limit))))
    return listed, (yield from places(listed.incidents))


def places(incidents: Sequence[Incident]) -> Operation[dict[int, tuple[str, str]]]:
    """Return the channel and the ts of each card; of a child, those of its root's card."""
    root_of = {item.id: item.parent_id or item.id for item in incidents}
    if not root_of:
        return {}
    roots = sorted(set(root_of.values()))
    rows = yield query(
        "SELECT incident_id, channel, ts FROM outbox WHERE kind = 'card' AND ts IS NOT NULL"  # noqa: S608 - placeholders
        f" AND incident_id IN ({', '.join('?' * len(roots))})",
        *roots,
    )
    cards = {row["incident_id"]: (row["channel"], row["ts"]) for row in rows}
    return {item: cards[root] for item, root in root_of.items() if root in cards}


def opened(user: str, notice: str, now: datetime) -> Operation[None]:
    """A person opened their Home tab, or pressed in it: then `notice` is the answer."""
    yield run(
        "INSERT INTO home_tabs (user_id, opened_at, checked_at, digest, notice, notice_at)"
        " VALUES (?, ?, '', '', ?, ?) ON CONFLICT (user_id) DO UPDATE SET"
        " opened_at = excluded.opened_at, checked_at = '', digest = '',"
        " notice = excluded.notice, notice_at = excluded.notice_at",
        user,
        to_db_time(now),
        notice,
        to_db_time(now),
    )


def published(user: str, digest: str, now: datetime) -> Operation[None]:
    """Slack shows a person's Home tab with this digest."""
    yield run(
        "UPDATE home_tabs SET digest = ?, checked_at = ? WHERE user_id = ?",
        digest,
        to_db_time(now),
        user,
    )


def claim_due(now: datetime) -> Operation[dict[str, str]]:
    """Return the users of the open Home tabs that are due to be checked, each with its digest.

    1. Delete the tabs that count as closed. 2. Read those that are due, and mark them as checked.
    """
    yield run("DELETE FROM home_tabs WHERE opened_at < ?", to_db_time(now - OPEN_FOR))
    rows = yield query(
        "SELECT user_id, digest FROM home_tabs WHERE checked_at <= ?"
        " ORDER BY checked_at, user_id LIMIT ?",
        to_db_time(now - CHECKED_EVERY),
        CHECKED_AT_ONCE,
    )
    for row in rows:
        yield run(
            "UPDATE home_tabs SET checked_at = ? WHERE user_id = ?", to_db_time(now), row["user_id"]
        )
    return {row["user_id"]: row["digest"] for row in rows}


class HomePart(Part):
    """The methods of `Store` for the Home tab of each person."""

    async def home_facts(self, user: str, limit: int, since: datetime, now: datetime) -> HomeFacts:
        """The content of a person's Home tab, at most `limit` incidents a list, as at one moment.

        `since` is the beginning of the period whose opened and resolved incidents it counts.
        """
        return await self._engine.read(facts, user, limit, since, now)

    async def open_in_channel(
        self, channel: str, limit: int
    ) -> tuple[ListedIncidents, dict[int, tuple[str, str]]]:
        """The open incidents of a channel, the most severe first, without children of cascades.

        With the channel and the ts of each card that Slack shows, by the id of its incident.
        """
        return await self._engine.read(in_channel, channel, limit)

    async def home_notice(self, user: str, now: datetime) -> str:
        """The answer to the last press in a person's tab, '' two minutes later."""
        return await self._engine.read(notice_of, user, now)

    async def home_opened(self, user: str, now: datetime, *, notice: str = "") -> None:
        """The tab counts as open from now on, and is due to be shown until it was.

        `notice` is shown on it for two minutes: the answer to a press in it.
        """
        await self._write(opened, user, notice, now)

    async def home_published(self, user: str, digest: str, now: datetime) -> None:
        """Slack shows the tab with this digest, so it is not due for half a minute."""
        await self._write(published, user, digest, now)

    async def claim_due_homes(self, now: datetime) -> dict[str, str]:
        """The open tabs that are due to be checked, by user: the digest that Slack shows, or ''.

        Each is due again half a minute later, so nobody's tab is published more often. A tab that
        was opened half an hour ago is forgotten.
        """
        return await self._write(claim_due, now)
