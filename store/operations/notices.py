"""Notices about the bot itself, such as a burst or overdue work: one message each, updated.

One notice of a kind at a time in a channel; the database itself guards that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.incidents.notices import Burst, Notice
from store.operations import outbox
from store.operations.part import Part
from store.rows import dump, notice_from
from store.statements import Operation, lock, query, run, to_db_time

SENDERS = 3  # that it names
GRAVEST = 10  # incidents that a burst's digest message names


def get(notice_id: int) -> Operation[Notice | None]:
    """One notice."""
    rows = yield query("SELECT * FROM notices WHERE id = ?", notice_id)
    return notice_from(rows[0]) if rows else None


def lasting(kind: str, channel: str) -> Operation[Notice | None]:
    """Return the notice of that kind that has not ended."""
    rows = yield query(
        "SELECT * FROM notices WHERE kind = ? AND channel = ? AND ended_at IS NULL", kind, channel
    )
    return notice_from(rows[0]) if rows else None


def upsert_notice(
    kind: str, channel: str, body: Any, now: datetime, *, over: bool
) -> Operation[None]:
    """Begin a notice, change the one that lasts, or end it when it is `over`.

    1. Lock the notice.
    2. Read the one that lasts.
    3. Insert or update it; an unchanged notice, and a new one that is over, change nothing.
    4. Enqueue its message.
    """
    yield lock(f"notice/{kind}/{channel}")
    notice = yield from lasting(kind, channel)
    text = dump(body)
    if notice is None:
        if over:
            return
        rows = yield query(
            "INSERT INTO notices (kind, channel, body, began_at) VALUES (?, ?, ?, ?) RETURNING id",
            kind,
            channel,
            text,
            to_db_time(now),
        )
        notice_id = rows[0]["id"]
    elif over or text != dump(notice.body):
        notice_id = notice.id
        yield run(
            "UPDATE notices SET body = ?, ended_at = ? WHERE id = ?",
            text,
            to_db_time(now) if over else None,
            notice_id,
        )
    else:
        return
    yield from show(kind, channel, notice_id, now)


def show(kind: str, channel: str, notice_id: int, now: datetime) -> Operation[None]:
    """Enqueue its message, or a change of it."""
    yield from outbox.enqueue(
        kind=kind,
        subject=notice_id,
        channel=channel,
        incident_id=None,
        in_thread=False,
        severity=None,
        now=now,
    )


def update_burst(channel: str, limit: int, now: datetime, remind: bool) -> Operation[bool]:
    """Return whether a burst lasts: more than `limit` incidents have no card in the channel yet.

    1. Count the cards that wait.
    2. Begin the burst's notice above the limit.
    3. While cards wait, `remind` brings the notice up to date.
    4. End the notice once every card is posted.
    """
    waiting = yield from outbox.unposted_cards(channel)
    notice = yield from lasting("storm", channel)
    if notice is None:
        if waiting <= limit:
            return False
        first = yield query(f"SELECT MIN(incident_id) AS id {outbox.UNPOSTED}", channel)
        yield from upsert_notice(
            "storm", channel, {"first": first[0]["id"], "last": 0}, now, over=False
        )
        return True
    if waiting and not remind:
        return True
    if waiting:
        yield from show("storm", channel, notice.id, now)
        return True
    last = yield query("SELECT MAX(id) AS id FROM incidents WHERE channel = ?", channel)
    body = {"first": notice.body["first"], "last": last[0]["id"]}
    yield from upsert_notice("storm", channel, body, now, over=True)
    return False


_OF_STORM = """
 FROM incidents i JOIN outbox o ON o.incident_id = i.id AND o.kind = 'card'
 WHERE i.channel = ? AND i.id >= ? AND (i.id <= ? OR ? = 0)
"""  # 0: it lasts


def storm(notice_id: int) -> Operation[Burst | None]:
    """Return the incidents of a burst and their present state."""
    notice = yield from get(notice_id)
    if notice is None:
        return None
    first, last = notice.body["first"], notice.body["last"]
    where = (notice.channel, first, last, last)
    counts = yield query(
        "SELECT i.severity, COUNT(*) AS n, SUM(CASE WHEN o.ts IS NULL THEN 1 ELSE 0 END) AS hidden,"
        f" SUM(CASE WHEN i.status = 'resolved' THEN 1 ELSE 0 END) AS resolved {_OF_STORM}"
        " GROUP BY i.severity",
        *where,
    )
    most_severe = yield query(
        f"SELECT i.id, i.severity, i.title {_OF_STORM} AND i.status != 'resolved'"
        " ORDER BY o.class, o.severity, o.promoted, i.id LIMIT ?",
        *where,
        GRAVEST,
    )
    senders = yield query(
        "SELECT o.sender, COUNT(*) AS n, SUM(CASE WHEN o.ts IS NULL THEN 1 ELSE 0 END) AS hidden"
        f" {_OF_STORM} GROUP BY o.sender ORDER BY n DESC, o.sender LIMIT ?",
        *where,
        SENDERS,
    )
    return Burst(
        began_at=notice.began_at,
        ended_at=notice.ended_at,
        severities={row["severity"]: int(row["n"]) for row in counts},
        hidden=sum(int(row["hidden"]) for row in counts),
        resolved=sum(int(row["resolved"]) for row in counts),
        most_severe=tuple((row["id"], row["severity"], row["title"]) for row in most_severe),
        senders=tuple((row["sender"], int(row["n"]), int(row["hidden"])) for row in senders),
    )


class NoticesPart(Part):
    """The methods of `Store` for the bot's notices about itself."""

    async def update_burst(
        self, channel: str, storm_limit: int, now: datetime, *, remind: bool
    ) -> bool:
        """Return whether more than `storm_limit` incidents wait for their card in the channel.

        A burst lasts until every card is posted. It has one notice, of the kind `storm`, which is
        posted when it begins, and changed when it ends and by each call that reminds in between.
        """
        return await self._write(update_burst, channel, storm_limit, now, remind)

    async def storm(self, notice_id: int) -> Burst | None:
        """The incidents of that burst, in their present state."""
        return await self._engine.read(storm, notice_id)

    async def upsert_notice(
        self, kind: str, channel: str, body: Any, now: datetime, *, over: bool
    ) -> None:
        """Post a notice of the bot about itself, or change the one that lasts.

        `over` ends it; the next one is a new message. A new notice that is over is not posted.
        """
        await self._write(upsert_notice, kind, channel, body, now, over=over)

    async def notice(self, notice_id: int) -> Notice | None:
        """One notice of the bot about itself."""
        return await self._engine.read(get, notice_id)
