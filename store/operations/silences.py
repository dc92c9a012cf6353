"""Silences: made, listed, ended early by a person, and by time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from bot.errors import NotFound, Refused
from bot.incidents.correlation import Reason
from bot.incidents.matchers import Matcher
from bot.incidents.model import Severity
from bot.incidents.silences import Silence, SilenceReport, SuppressedAlert
from store.operations import audit, outbox
from store.operations.audit_kinds import Kind
from store.operations.part import Part
from store.rows import alert_from_json
from store.statements import (
    Operation,
    Row,
    Statement,
    execute,
    from_db_time,
    from_db_time_or_none,
    lock,
    query,
    to_db_time,
)

MOST = 100
"""Silences in force at a time: every alert that would open an incident is compared with each."""

NAMED = 10  # incidents that the digest of an ended silence names

COLUMNS = (
    "s.id, s.matcher, s.reason, s.author, s.origin, s.channel, s.made_at, s.ends_at, s.ended_at,"
    " s.ended_by"
)


def in_force(now: datetime) -> Statement:
    """Reads the silences in force, for `silence_from`."""
    return query(
        f"SELECT {COLUMNS} FROM silences s WHERE s.ended_at IS NULL AND s.ends_at > ?"  # noqa: S608 - constants
        " ORDER BY s.id",
        to_db_time(now),
    )


def silence_from(row: Row) -> Silence:
    """A silence of a row with the columns of `in_force`."""
    return Silence(
        id=row["id"],
        matcher=_matcher(row["matcher"]),
        reason=row["reason"],
        author=row["author"],
        origin=row["origin"],
        channel=row["channel"],
        made_at=from_db_time(row["made_at"]),
        ends_at=from_db_time(row["ends_at"]),
        ended_at=from_db_time_or_none(row["ended_at"]),
        ended_by=row["ended_by"],
    )


@lru_cache(maxsize=4 * MOST)  # every alert asks, and compiling the globs takes longest
def _matcher(text: str) -> Matcher:
    return Matcher.model_validate_json(text)


def make(silence: Silence) -> Operation[Silence]:
    """Store a silence and enqueue its message. The same origin makes no second one.

    Refused while MOST are in force. 1. Lock the list. 2. Return the one of that origin. 3. Count
    those in force. 4. Insert it, enqueue its message, and record it in the audit trail.
    """
    yield lock("silences")
    known = yield query(f"SELECT {COLUMNS} FROM silences s WHERE s.origin = ?", silence.origin)  # noqa: S608 - constants
    if known:
        return silence_from(known[0])
    others = yield in_force(silence.made_at)
    if len(others) >= MOST:
        raise Refused(
            f"Not silenced: {len(others)} silences are in force.",
            remedy="End one: `/incident list silences` shows them.",
        )
    stored: Silence = yield from _insert(silence)
    yield from show(stored, silence.made_at)
    yield from audit.record(
        Kind.SILENCED,
        now=silence.made_at,
        subject=str(stored.id),
        actor=silence.author,
        detail={
            "why": silence.reason,
            "match": {name: list(globs) for name, globs in silence.matcher.match.items()},
            "until": to_db_time(silence.ends_at),
        },
    )
    return stored


def of_policy(silence: Silence) -> Operation[Silence | None]:
    """Return the stored silence of a window that is open now; None if a person ended it.

    The first alert that it suppresses stores it.
    """
    yield lock(f"silence/{silence.origin}")
    rows = yield query(f"SELECT {COLUMNS} FROM silences s WHERE s.origin = ?", silence.origin)  # noqa: S608 - constants
    if not rows:
        stored: Silence = yield from _insert(silence)
        return stored
    known = silence_from(rows[0])
    return None if known.ended_at else known


def _insert(silence: Silence) -> Operation[Silence]:
    rows = yield query(
        "INSERT INTO silences (matcher, reason, author, origin, channel, made_at, ends_at,"
        " ended_by) VALUES (?, ?, ?, ?, ?, ?, ?, '') RETURNING id",
        silence.matcher.model_dump_json(include={"match"}),
        silence.reason,
        silence.author,
        silence.origin,
        silence.channel,
        to_db_time(silence.made_at),
        to_db_time(silence.ends_at),
    )
    return replace(silence, id=rows[0]["id"])


def show(silence: Silence, now: datetime, kind: str = "silence") -> Operation[None]:
    """Its message should show it as it is now."""
    yield from outbox.enqueue(
        kind=kind,
        subject=silence.id,
        channel=silence.channel,
        incident_id=None,
        in_thread=False,
        severity=None,
        now=now,
    )


def end(silence_id: int, user: str, now: datetime) -> Operation[tuple[Silence, bool]]:
    """End a silence early: (the silence, whether this call ended it). NotFound if there is none.

    1. Update it. 2. Enqueue its message. 3. Record it in the audit trail.
    """
    count = yield execute(
        "UPDATE silences SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL"
        " AND ends_at > ?",
        to_db_time(now),
        user,
        silence_id,
        to_db_time(now),
    )
    rows = yield query(f"SELECT {COLUMNS} FROM silences s WHERE s.id = ?", silence_id)  # noqa: S608 - constants
    if not rows:
        raise NotFound(
            f"There is no silence {silence_id}.", remedy="`/incident list silences` shows them."
        )
    silence = silence_from(rows[0])
    if count:
        yield from show(silence, now)
        yield from audit.record(
            Kind.SILENCE_ENDED, now=now, subject=str(silence_id), actor=user, detail={}
        )
    return silence, bool(count)


def not_ended() -> Operation[list[Silence]]:
    """The silences that nobody and nothing has ended, also those whose time is over."""
    rows = yield query(
        f"SELECT {COLUMNS} FROM silences s WHERE s.ended_at IS NULL ORDER BY s.id"  # noqa: S608 - constants
    )
    return [silence_from(row) for row in rows]


def report(silence_id: int) -> Operation[SilenceReport | None]:
    """A silence with the number of alerts that it suppressed, and what opened at its end."""
    rows = yield query(f"SELECT {COLUMNS} FROM silences s WHERE s.id = ?", silence_id)  # noqa: S608 - constants
    if not rows:
        return None
    counts = yield query(
        "SELECT COUNT(*) AS n FROM alerts WHERE silence_id = ? AND incident_id IS NULL", silence_id
    )
    opened = yield query(
        "SELECT DISTINCT i.id, i.severity, i.title FROM alerts a JOIN incidents i"
        " ON i.id = a.incident_id WHERE a.silence_id = ? ORDER BY i.id",
        silence_id,
    )
    return SilenceReport(
        silence=silence_from(rows[0]),
        suppressed=int(counts[0]["n"]),
        opened=tuple(
            (row["id"], Severity(row["severity"]), row["title"]) for row in opened[:NAMED]
        ),
        opened_count=len(opened),
    )


def listed(now: datetime) -> Operation[list[SilenceReport]]:
    """The silences in force, the first to end first."""
    rows = yield in_force(now)
    reports = []
    for row in sorted(rows, key=lambda row: (row["ends_at"], row["id"])):
        counts = yield query(
            "SELECT COUNT(*) AS n FROM alerts WHERE silence_id = ? AND incident_id IS NULL",
            row["id"],
        )
        reports.append(SilenceReport(silence=silence_from(row), suppressed=int(counts[0]["n"])))
    return reports


def suppressed_alerts(limit: int) -> Operation[list[SuppressedAlert]]:
    """The newest alerts that a silence suppressed."""
    rows = yield query(
        f"SELECT a.tracking_id, a.received_at, a.body, {COLUMNS} FROM alerts a"  # noqa: S608 - constants
        " JOIN silences s ON s.id = a.silence_id WHERE a.silence_id IS NOT NULL AND a.reason = ?"
        " ORDER BY a.id DESC LIMIT ?",
        Reason.SUPPRESSED,
        limit,
    )
    return [
        SuppressedAlert(
            alert=alert_from_json(row["body"]),
            tracking_id=row["tracking_id"],
            received_at=from_db_time(row["received_at"]),
            silence=silence_from(row),
        )
        for row in rows
    ]


class SilencesPart(Part):
    """The methods of `Store` for silences."""

    async def silence(self, silence: Silence) -> Silence:
        """Store it, show it in its channel, and record it. The same origin makes no second one.

        Refused while too many are in force.
        """
        return await self._write(make, silence)

    async def end_silence(self, silence_id: int, user: str, now: datetime) -> tuple[Silence, bool]:
        """End a silence early: (the silence, whether this call ended it). NotFound without it."""
        return await self._write(end, silence_id, user, now)

    async def silence_report(self, silence_id: int) -> SilenceReport | None:
        """A silence and its effect; None if there is none."""
        return await self._engine.read(report, silence_id)

    async def silences(self, now: datetime) -> list[SilenceReport]:
        """The silences in force, the first to end first."""
        return await self._engine.read(listed, now)

    async def suppressed_alerts(self, limit: int = 10) -> list[SuppressedAlert]:
        """The newest alerts that a silence suppressed, newest first."""
        return await self._engine.read(suppressed_alerts, limit)
