"""Silences shared with a source such as Alertmanager: read from it, and written back to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from bot.incidents.silences import OF_POLICY, Silence
from store.operations import silences
from store.operations.part import Part
from store.statements import Operation, execute, query, run, to_db_time


def take_over(
    origin: str, read: Sequence[Silence], now: datetime, keep: Collection[str]
) -> Operation[int]:
    """Make the silences of a source those that it has now. Returns how many ends changed.

    1. Insert the new ones, and change the end of known ones. 2. End those that it has no more,
    but leave those whose origin is in `keep` as they are. One that a person ended here stays ended.
    Their messages are not posted: the source has them.
    """
    changed = 0
    for silence in read:
        yield from silences.insert_new(silence)
        changed += yield execute(
            "UPDATE silences SET ends_at = ?"
            " WHERE origin = ? AND ended_at IS NULL AND ends_at != ?",
            to_db_time(silence.ends_at),
            silence.origin,
            to_db_time(silence.ends_at),
        )
    known = {silence.origin for silence in read}.union(keep)
    for silence in (yield from silences.not_ended()):
        if silence.origin.startswith(origin) and silence.origin not in known:
            changed += yield execute(
                "UPDATE silences SET ended_at = ? WHERE id = ? AND ended_at IS NULL",
                to_db_time(now),
                silence.id,
            )
    return changed


def unwritten(now: datetime) -> Operation[list[Silence]]:
    """The silences in force of people that the source does not have yet."""
    rows = yield query(
        f"SELECT {silences.COLUMNS} FROM silences s WHERE s.ended_at IS NULL AND s.ends_at > ?"  # noqa: S608 - constants
        " AND s.author != '' AND s.remote_id = '' AND substr(s.origin, 1, length(?)) != ?"
        " ORDER BY s.id",
        to_db_time(now),
        OF_POLICY,
        OF_POLICY,
    )
    return [silences.silence_from(row) for row in rows]


def ended_here() -> Operation[list[tuple[int, str]]]:
    """(id, id at the source) of the silences that a person ended here and the source still has."""
    rows = yield query(
        "SELECT id, remote_id FROM silences WHERE ended_by != '' AND remote_id != '' ORDER BY id"
    )
    return [(row["id"], row["remote_id"]) for row in rows]


def set_remote_id(silence_id: int, remote_id: str) -> Operation[None]:
    """Remember its id at the source; '' once the source has it no more."""
    yield run("UPDATE silences SET remote_id = ? WHERE id = ?", remote_id, silence_id)


class SourceSilencesPart(Part):
    """The methods of `Store` for silences shared with a source."""

    async def take_over_silences(
        self, origin: str, read: Sequence[Silence], now: datetime, *, keep: Collection[str] = ()
    ) -> int:
        """Make those whose origin begins with `origin` the ones that were read.

        Those whose origin is in `keep` stay as they are: the source has them too.
        Returns how many of them end at another time now.
        """
        return await self._write(take_over, origin, read, now, keep)

    async def unwritten_silences(self, now: datetime) -> list[Silence]:
        """The silences in force of people that the source does not have yet."""
        return await self._engine.read(unwritten, now)

    async def silences_ended_here(self) -> list[tuple[int, str]]:
        """(id, id at the source) of those that a person ended here and the source still has."""
        return await self._engine.read(ended_here)

    async def set_remote_silence(self, silence_id: int, remote_id: str) -> None:
        """Remember its id at the source; '' once the source has it no more."""
        await self._write(set_remote_id, silence_id, remote_id)
