"""Stores the position in each log, so that a kill -9 neither loses nor doubles a line.

A reading is planned before it is done: after a crash exactly the same bytes are read again, under
the same key, so that lines whose alerts were stored change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from store.operations.part import Part
from store.statements import Operation, execute, query


@dataclass(frozen=True, slots=True)
class LogPosition:
    """The position of a poller on this host.

    `file_id` is the file's device and inode, '' if there was no file; `head` identifies its first
    bytes. `generation` counts the files that were read, because a new one may have an old inode.
    `planned_end` is more than `position` while a reading is not known to be done.
    """

    file_id: str = ""
    head: str = ""
    generation: int = 0
    position: int = 0
    planned_end: int = 0


def get(poller: str, host: str) -> Operation[LogPosition | None]:
    """Return how far it has read; None for a poller that never ran there."""
    rows = yield query("SELECT * FROM log_positions WHERE poller = ? AND host = ?", poller, host)
    for row in rows:
        return LogPosition(
            row["file_id"], row["head"], row["generation"], row["position"], row["planned_end"]
        )
    return None


def begin(poller: str, host: str, file: LogPosition) -> Operation[bool]:
    """Begin a file, at its `position`. False if another replica of the host was first."""
    count = yield execute(
        "INSERT INTO log_positions (poller, host, file_id, head, generation, position, planned_end)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (poller, host) DO UPDATE SET"
        " file_id = excluded.file_id, head = excluded.head, generation = excluded.generation,"
        " position = excluded.position, planned_end = excluded.planned_end"
        " WHERE log_positions.generation = excluded.generation - 1",
        poller,
        host,
        file.file_id,
        file.head,
        file.generation,
        file.position,
        file.position,
    )
    return bool(count)


def plan(poller: str, host: str, at: LogPosition, end: int, head: str) -> Operation[bool]:
    """Plan to read up to `end`. False if another replica of the host was first."""
    count = yield execute(
        "UPDATE log_positions SET planned_end = ?, head = ? WHERE poller = ? AND host = ?"
        " AND generation = ? AND position = ? AND planned_end = position",
        end,
        head,
        poller,
        host,
        at.generation,
        at.position,
    )
    return bool(count)


def advance(poller: str, host: str, generation: int, start: int, end: int) -> Operation[None]:
    """All lines up to the planned end are in the store."""
    yield execute(
        "UPDATE log_positions SET position = planned_end WHERE poller = ? AND host = ?"
        " AND generation = ? AND position = ? AND planned_end = ?",
        poller,
        host,
        generation,
        start,
        end,
    )


class LogPositionsPart(Part):
    """The methods of `Store` for the log poller."""

    async def log_position(self, poller: str, host: str) -> LogPosition | None:
        """Return how far a poller has read on that host; None if it never ran there."""
        return await self._engine.read(get, poller, host)

    async def begin_log(self, poller: str, host: str, file: LogPosition) -> bool:
        """Begin a file at its position; False if another replica of the host began one."""
        return await self._write(begin, poller, host, file)

    async def plan_log_read(
        self, poller: str, host: str, at: LogPosition, end: int, head: str
    ) -> bool:
        """Plan to read from `at` to `end`; False if another replica plans something there."""
        return await self._write(plan, poller, host, at, end, head)

    async def advance_log(
        self, poller: str, host: str, generation: int, start: int, end: int
    ) -> None:
        """Record that the lines of the planned reading are in the store."""
        await self._write(advance, poller, host, generation, start, end)
