"""Digests by the clock: each is claimed once, and read when it is posted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from statistics import median

from bot.incidents.digests import (
    Day,
    DigestFacts,
    DigestKind,
    DueDigest,
    Frequent,
    Review,
    SopResult,
    Unmatched,
)
from bot.incidents.keys import sop_id_of
from bot.incidents.model import Severity
from store.operations import home, outbox
from store.operations.part import Part
from store.statements import (
    Operation,
    Row,
    from_db_time,
    lock,
    query,
    run,
    to_db_time,
    together,
)

KIND = "digest"  # of its message in the outbox
LISTED = 8  # incidents that a digest lists
TOP = 5  # lines of each list of a review
KEPT = timedelta(days=60)  # a claim; the bot never posts a digest that was due so long ago
NOBODY = "-"  # the owner of no incident: a channel's digest has no list of its own incidents
_KEYS = 2000  # keys of incidents of a week that are compared with SOPs


def claim(due: DueDigest, now: datetime) -> Operation[bool]:
    """Claim a digest and enqueue its message. Return False if it was claimed before.

    1. Lock the name, and insert the claim unless it is there. 2. Read whether there is something to
    say. 3. Enqueue the message if there is. 4. Delete old claims.
    """
    yield lock(f"digest/{due.name}")
    rows = yield query(
        "INSERT INTO digests (name, kind, channel, person, due_at, since)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name, due_at, channel) DO NOTHING RETURNING id",
        due.name,
        due.kind,
        due.channel,
        due.person,
        to_db_time(due.due_at),
        to_db_time(due.since),
    )
    if not rows:
        return False
    if not (yield from _is_empty(due, now)):
        yield from outbox.enqueue(
            kind=KIND,
            subject=rows[0]["id"],
            channel=due.channel,
            incident_id=None,
            in_thread=False,
            severity=Severity.LOW,  # behind every incident's card
            now=now,
        )
    yield run("DELETE FROM digests WHERE due_at < ?", to_db_time(now - KEPT))
    return True


def _is_empty(due: DueDigest, now: datetime) -> Operation[bool]:
    """Return whether there is nothing to say; a review needs an incident or an alert."""
    if due.kind is DigestKind.DIGEST:
        return (yield from facts(due, now)).is_empty
    rows = yield query(
        "SELECT 1 FROM incidents WHERE created_at >= ? UNION ALL"
        " SELECT 1 FROM alerts WHERE received_at >= ? LIMIT 1",
        to_db_time(due.since),
        to_db_time(due.since),
    )
    return not rows


def get(digest_id: int) -> Operation[DueDigest | None]:
    """One claimed digest."""
    rows = yield query("SELECT * FROM digests WHERE id = ?", digest_id)
    return _digest_from(rows[0]) if rows else None


def _digest_from(row: Row) -> DueDigest:
    return DueDigest(
        row["name"],
        DigestKind(row["kind"]),
        row["channel"],
        row["person"],
        from_db_time(row["due_at"]),
        from_db_time(row["since"]),
    )


def facts(due: DueDigest, now: datetime) -> Operation[DigestFacts]:
    """Read the content of a digest."""
    home_facts = yield from home.facts(due.person or NOBODY, LISTED, due.since, now)
    waiting, total, unacknowledged = yield from together(
        query(
            "SELECT incident_id, proposal FROM approvals WHERE state = 'awaiting approval'"
            " ORDER BY expires_at, id LIMIT ?",
            TOP,
        ),
        query("SELECT COUNT(*) AS n FROM approvals WHERE state = 'awaiting approval'"),
        query(
            "SELECT COUNT(*) AS n FROM incidents WHERE status = 'open' AND acknowledged_by = ''"
            " AND parent_id IS NULL AND severity IN ('critical', 'high')"
        ),
    )
    return DigestFacts(
        home_facts,
        [(row["incident_id"], str(json.loads(row["proposal"])["title"])) for row in waiting],
        int(total[0]["n"]),
        int(unacknowledged[0]["n"]),
    )


def review(since: datetime) -> Operation[Review]:
    """Read the content of a review besides the numbers of its window."""
    begin = to_db_time(since)
    frequent, sops, keys, opened, acknowledged = yield from together(
        query(
            "SELECT a.name, i.service, COUNT(*) AS n, COUNT(DISTINCT i.id) AS incidents"
            " FROM alerts a JOIN incidents i ON i.id = a.incident_id"
            " WHERE a.received_at >= ? AND a.status = 'firing'"
            " GROUP BY a.name, i.service HAVING COUNT(*) > 1"
            " ORDER BY n DESC, a.name, i.service LIMIT ?",
            begin,
            TOP,
        ),
        query(
            "SELECT i.sop_id, COUNT(*) AS runs,"
            " SUM(CASE WHEN e.state IN ('verified', 'undone') THEN 1 ELSE 0 END) AS verified"
            " FROM executions e JOIN incidents i ON i.id = e.incident_id"
            " WHERE e.started_at >= ? AND e.state NOT IN ('revoked', 'dispatching')"
            " GROUP BY i.sop_id",
            begin,
        ),
        query(
            "SELECT sop_id, incident_key, MAX(title) AS title, COUNT(*) AS n FROM incidents"
            " WHERE created_at >= ? GROUP BY sop_id, incident_key ORDER BY n DESC, incident_key"
            " LIMIT ?",
            begin,
            _KEYS,
        ),
        query(
            "SELECT substr(created_at, 1, 10) AS day, COUNT(*) AS n FROM incidents"
            " WHERE created_at >= ? GROUP BY substr(created_at, 1, 10) ORDER BY day",
            begin,
        ),
        query(
            "SELECT created_at, acknowledged_at FROM incidents"
            " WHERE acknowledged_at IS NOT NULL AND acknowledged_at >= ? AND created_at >= ?",
            begin,
            begin,
        ),
    )
    without = [row for row in keys if row["sop_id"] == sop_id_of(row["incident_key"])]
    helped_least = sorted(sops, key=lambda row: (row["verified"] / row["runs"], -row["runs"]))
    return Review(
        [Frequent(row["name"], row["service"], row["n"], row["incidents"]) for row in frequent],
        [SopResult(row["sop_id"], row["runs"], row["verified"]) for row in helped_least[:TOP]],
        [Unmatched(row["title"], row["n"]) for row in without[:TOP]],
        sum(row["n"] for row in without),
        [Day(row["day"], row["n"], _median_of(row["day"], acknowledged)) for row in opened],
    )


def _median_of(day: str, rows: list[Row]) -> float | None:
    """Return the median of the seconds to acknowledge what was opened on that day."""
    seconds = [
        (from_db_time(row["acknowledged_at"]) - from_db_time(row["created_at"])).total_seconds()
        for row in rows
        if row["created_at"].startswith(day)
    ]
    return median(seconds) if seconds else None


class DigestsPart(Part):
    """The methods of `Store` for digests."""

    async def claim_digest(self, due: DueDigest, now: datetime) -> bool:
        """Post a digest, only once however many replicas try; False if it was claimed before.

        A digest that has nothing to say is claimed and not posted.
        """
        return await self._write(claim, due, now)

    async def digest(self, digest_id: int) -> DueDigest | None:
        """A claimed digest."""
        return await self._engine.read(get, digest_id)

    async def digest_facts(self, due: DueDigest, now: datetime) -> DigestFacts:
        """The content of a digest, as it is now."""
        return await self._engine.read(facts, due, now)

    async def review(self, since: datetime) -> Review:
        """The content of a review besides the numbers of its window."""
        return await self._engine.read(review, since)
