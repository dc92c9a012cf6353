"""Feedback of people on advice, and the kinds of blocks that the workspace refuses."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from store.operations.part import Part
from store.statements import Operation, execute, query, run, to_db_time


def give(advice_id: int, user: str, helped: bool, now: datetime) -> Operation[bool]:
    """Store a person's opinion in place of an earlier one. False for unknown advice."""
    stored = yield execute(
        "INSERT INTO advice_feedback (advice_id, user_id, incident_id, helped, at)"
        " SELECT id, ?, incident_id, ?, ? FROM advice WHERE id = ? AND body IS NOT NULL"
        " ON CONFLICT (advice_id, user_id) DO UPDATE SET helped = excluded.helped,"
        " at = excluded.at",
        user,
        int(helped),
        to_db_time(now),
        advice_id,
    )
    return bool(stored)


def under(sop_id: str) -> Operation[tuple[int, int]]:
    """The number of opinions on advice under a SOP ID: that it helped, and that it did not."""
    rows = yield query(
        "SELECT f.helped, COUNT(*) AS n FROM advice_feedback f"
        " JOIN incidents i ON i.id = f.incident_id WHERE i.sop_id = ? GROUP BY f.helped",
        sop_id,
    )
    counts = {bool(row["helped"]): int(row["n"]) for row in rows}
    return counts.get(True, 0), counts.get(False, 0)


def refused(now: datetime) -> Operation[frozenset[str]]:
    """The kinds of blocks that are not sent at present."""
    rows = yield query("SELECT kind FROM refused_blocks WHERE until > ?", to_db_time(now))
    return frozenset(row["kind"] for row in rows)


def refuse(kinds: Collection[str], until: datetime) -> Operation[None]:
    """Send these kinds no more until then."""
    for kind in sorted(kinds):
        yield run(
            "INSERT INTO refused_blocks (kind, until) VALUES (?, ?)"
            " ON CONFLICT (kind) DO UPDATE SET until = excluded.until",
            kind,
            to_db_time(until),
        )


class FeedbackPart(Part):
    """The methods of `Store` for feedback on advice and for refused blocks."""

    async def give_feedback(
        self, advice_id: int, user: str, now: datetime, *, helped: bool
    ) -> bool:
        """Store a person's opinion of advice in place of an earlier one; False if it is unknown."""
        return await self._write(give, advice_id, user, helped, now)

    async def feedback_under(self, sop_id: str) -> tuple[int, int]:
        """The number of opinions on advice under a SOP ID: it helped, and it did not."""
        return await self._engine.read(under, sop_id)

    async def refused_block_kinds(self, now: datetime) -> frozenset[str]:
        """The kinds of blocks that the workspace refused lately."""
        return await self._engine.read(refused, now)

    async def refuse_block_kinds(self, kinds: Collection[str], until: datetime) -> None:
        """Remember until then that the workspace refuses these kinds of blocks."""
        await self._write(refuse, kinds, until)
