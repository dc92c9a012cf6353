"""Cases of alerts that people say were read wrongly, for `python -m bot sources cases`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from store.operations.part import Part
from store.statements import Operation, from_db_time, query, run, to_db_time

MOST_CASES = 200
"""The newest are kept: people report a few, and each holds a whole message."""


@dataclass(frozen=True, slots=True)
class ReadingCase:
    """A message or body that was read wrongly, without secrets.

    `intake` is slack or http. `payload` is JSON text.
    """

    id: int
    place: str
    user: str
    at: datetime
    intake: str
    source: str
    payload: str


def keep(
    place: str, user: str, intake: str, source: str, payload: str, now: datetime
) -> Operation[int]:
    """Keep a case, one for each place. Returns its number.

    1. Insert it, or replace that of the same place. 2. Forget the oldest above MOST_CASES.
    """
    rows = yield query(
        "INSERT INTO reading_cases (place, user_id, at, intake, source, payload)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (place) DO UPDATE SET user_id = excluded.user_id,"
        " at = excluded.at, intake = excluded.intake, source = excluded.source,"
        " payload = excluded.payload RETURNING id",
        place,
        user,
        to_db_time(now),
        intake,
        source,
        payload,
    )
    number: int = rows[0]["id"]
    yield run(
        "DELETE FROM reading_cases WHERE id NOT IN"
        " (SELECT id FROM reading_cases ORDER BY at DESC, id DESC LIMIT ?)",
        MOST_CASES,
    )
    return number


def newest() -> Operation[list[ReadingCase]]:
    """Return every case, the newest first."""
    rows = yield query("SELECT * FROM reading_cases ORDER BY at DESC, id DESC")
    return [
        ReadingCase(
            row["id"],
            row["place"],
            row["user_id"],
            from_db_time(row["at"]),
            row["intake"],
            row["source"],
            row["payload"],
        )
        for row in rows
    ]


class ReadingCasesPart(Part):
    """The methods of `Store` for alerts that were read wrongly."""

    async def keep_case(
        self, place: str, user: str, intake: str, source: str, payload: str, now: datetime
    ) -> int:
        """Keep a case, one for each place, 200 at most. Returns its number."""
        return await self._write(keep, place, user, intake, source, payload, now)

    async def reading_cases(self) -> list[ReadingCase]:
        """Every case, the newest first."""
        return await self._engine.read(newest)
