"""Equal questions on several replicas: one replica asks the advisors, the others get its answer.

A claim belongs to a replica while its lease lasts, and no longer than `LONGEST`: a replica that
cannot store the end of its run must not hold up the others for ever.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from store.operations import leases
from store.operations.cached_answers import LARGEST
from store.operations.part import Part
from store.rows import dump
from store.statements import Operation, notify, query, run, to_db_time
from store.topics import Topic

LONGEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SharedRun:
    """The run for a question; `body` is its answer, None if it failed."""

    is_over: bool
    body: dict[str, Any] | None = None


def claim(key: str, owner: str, now: datetime) -> Operation[bool]:
    """Claim the question unless a live replica is asking it."""
    rows = yield query(
        "INSERT INTO shared_questions (key, owner, claimed_at, ended_at, body)"  # noqa: S608 - constants
        " VALUES (?, ?, ?, '', '') ON CONFLICT (key) DO UPDATE SET owner = excluded.owner,"
        " claimed_at = excluded.claimed_at, ended_at = '', body = ''"
        " WHERE shared_questions.ended_at != '' OR shared_questions.owner = excluded.owner"
        f" OR shared_questions.claimed_at < ? OR NOT {leases.alive('shared_questions.owner')}"
        " RETURNING key",
        key,
        owner,
        to_db_time(now),
        to_db_time(now - LONGEST),
        to_db_time(now),
    )
    return bool(rows)


def end(key: str, owner: str, body: dict[str, Any] | None, now: datetime) -> Operation[None]:
    """End this replica's run with its answer, unless it is too large, and wake those who wait."""
    text = dump(body) if body is not None else ""
    yield run(
        "UPDATE shared_questions SET ended_at = ?, body = ?"
        " WHERE key = ? AND owner = ? AND ended_at = ''",
        to_db_time(now),
        text if len(text) <= LARGEST else "",
        key,
        owner,
    )
    yield notify(Topic.ANSWERED)


def running(key: str) -> Operation[SharedRun]:
    """Return the run for a question; one that nobody claimed is over."""
    rows = yield query("SELECT ended_at, body FROM shared_questions WHERE key = ?", key)
    if not rows:
        return SharedRun(is_over=True)
    body = rows[0]["body"]
    return SharedRun(bool(rows[0]["ended_at"]), json.loads(body) if body else None)


class SharedQuestionsPart(Part):
    """The methods of `Store` for equal questions on several replicas."""

    @property
    def answered(self) -> asyncio.Event:
        """Set after each end of a run, of any replica."""
        return self.signal(Topic.ANSWERED)

    async def claim_question(self, key: str, now: datetime) -> bool:
        """Claim the question; False while a live replica asks it.

        A claim ends with `end_question`, with the lease of its owner, or after ten minutes.
        """
        return await self._write(claim, key, self.owner, now)

    async def end_question(self, key: str, body: dict[str, Any] | None, now: datetime) -> None:
        """End this replica's run; the others get `body`, or ask by themselves if that is None."""
        await self._write(end, key, self.owner, body, now)

    async def shared_run(self, key: str) -> SharedRun:
        """Return the run for a question: under way, or over with its answer."""
        return await self._engine.read(running, key)
