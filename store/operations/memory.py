"""Reads what the bot keeps of earlier incidents, for an index of it."""

from __future__ import annotations

import sys

from bot.incidents.lessons import Lesson
from bot.incidents.records import Postmortem
from store.operations import lessons, postmortems
from store.operations.part import Part
from store.statements import Operation, query

MOST_POSTMORTEMS = 500
MOST_LESSONS = 5_000


def version() -> Operation[str]:
    """Return a text that differs after each change of lessons or post-mortems."""
    rows = yield query(
        "SELECT (SELECT COALESCE(MAX(id), 0) FROM lessons) AS newest,"
        " (SELECT COUNT(*) FROM lessons WHERE removed_by = '') AS held,"
        " (SELECT COALESCE(MAX(id), 0) FROM postmortems) AS postmortem"
    )
    row = rows[0]
    return f"{row['newest']}/{row['held']}/{row['postmortem']}"


def newest_postmortems() -> Operation[list[Postmortem]]:
    """Return the last version of the post-mortem of each incident, the newest first."""
    rows = yield query(
        "SELECT * FROM postmortems WHERE id IN"
        " (SELECT MAX(id) FROM postmortems GROUP BY incident_id) ORDER BY id DESC LIMIT ?",
        MOST_POSTMORTEMS,
    )
    return [postmortems.postmortem_from(row) for row in rows]


class MemoryPart(Part):
    """The methods of `Store` for an index of lessons and post-mortems."""

    async def memory_version(self) -> str:
        """Return a text that differs after each change of lessons or post-mortems."""
        return await self._engine.read(version)

    async def newest_postmortems(self) -> list[Postmortem]:
        """Return the last version of each post-mortem, the newest 500 of them."""
        return await self._engine.read(newest_postmortems)

    async def all_lessons(self) -> list[Lesson]:
        """Return the lessons that nobody removed, newest first, 5,000 at most."""
        kept: list[Lesson] = []
        while len(kept) < MOST_LESSONS:
            oldest = kept[-1].id if kept else sys.maxsize
            more = await self._engine.read(lessons.before, oldest)
            kept += more
            if len(more) < lessons.BATCH:
                break
        return kept
