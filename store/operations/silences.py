"""Silences: made, listed, ended early by a person, and by time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from bot.errors import NotFound, Refused
from bot.incidents.matchers import Matcher
from bot.incidents.silences import OF_POLICY, Silence
from bot.language import deferred
from store.operations import audit, outbox
from store.operations.audit_kinds import Kind
from store.operations.part import Part
from store.statements import (
    Operation,
    Row,
    Statement,
    execute,
    from_db_time,
    from_db_time_or_none,
    lock,
    query,
    run,
    to_db_time,
)

MOST = 100
"""Silences in force at a time: every alert that would open an incident is compared with each."""

COLUMNS = (
    "s.id, s.matcher, s.reason, s.author, s.origin, s.channel, s.made_at, s.ends_at, s.ended_at,"
    " s.ended_by"
)


INSERT = (
    "INSERT INTO silences (matcher, reason, author, origin, channel, made_at, ends_at, ended_by)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, '')"
)


def in_force(now: datetime) -> Statement:
    """Reads the silences in force that the policy did not make, for `silence_from`.

    Only the policy says whether its own are in force.
    """
    return query(
        f"SELECT {COLUMNS} FROM silences s WHERE s.ended_at IS NULL AND s.ends_at > ?"  # noqa: S608 - constants
        " AND substr(s.origin, 1, length(?)) != ? ORDER BY s.id",
        to_db_time(now),
        OF_POLICY,
        OF_POLICY,
    )


@lru_cache(maxsize=4 * MOST)  # every delivery reads them, and they change only at their end
def silence_of(values: tuple[object, ...]) -> Silence:
    """The silence of the values of a row of `in_force`."""
    return silence_from(dict(zip(COLUMNS.replace("s.", "").split(", "), values, strict=True)))


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


@lru_cache(maxsize=4 * MOST)  # compiling the globs takes longest
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
            deferred("Not silenced: {count} silences are in force.", count=len(others)),
            remedy=deferred("End one: `/incident list silences` shows them."),
        )
    rows = yield query(f"{INSERT} RETURNING id", *values(silence))
    stored = replace(silence, id=rows[0]["id"])
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


def of_policy(silence: Silence, channel: str) -> Operation[Silence | None]:
    """Return the stored silence of a window that is open now; None if a person ended it.

    The first alert of a channel that it suppresses stores it: each channel has its own digest.
    """
    item = replace(silence, channel=channel, origin=f"{silence.origin}/{channel}")
    known: Silence = yield from insert_new(item)
    return None if known.ended_at else known


def insert_new(silence: Silence) -> Operation[Silence]:
    """Store a silence unless one of its origin is stored; return the stored one.

    It is looked for first: on PostgreSQL an insert that conflicts uses up a number.
    """
    of_origin = f"SELECT {COLUMNS} FROM silences s WHERE s.origin = ?"  # noqa: S608 - constants
    rows = yield query(of_origin, silence.origin)
    if not rows:
        yield run(f"{INSERT} ON CONFLICT (origin) DO NOTHING", *values(silence))
        rows = yield query(of_origin, silence.origin)
    return silence_from(rows[0])


def values(silence: Silence) -> tuple[object, ...]:
    """The values of `INSERT`."""
    return (
        silence.matcher.model_dump_json(include={"match"}),
        silence.reason,
        silence.author,
        silence.origin,
        silence.channel,
        to_db_time(silence.made_at),
        to_db_time(silence.ends_at),
    )


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
            deferred("There is no silence {silence_id}.", silence_id=silence_id),
            remedy=deferred("`/incident list silences` shows them."),
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
