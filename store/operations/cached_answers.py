"""The advisors' answers, each by the key of its question, to be used again for some minutes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from store.operations.part import Part
from store.rows import dump
from store.statements import Operation, query, run, to_db_time

MOST = 1000  # answers
LARGEST = 65_536  # characters of one; a larger one is not kept
_STEP = 50  # deleted at a time


def cached(key: str, since: datetime) -> Operation[dict[str, Any] | None]:
    """Return the answer to this question if it was given since then."""
    rows = yield query(
        "SELECT body FROM cached_answers WHERE key = ? AND at >= ?", key, to_db_time(since)
    )
    return json.loads(rows[0]["body"]) if rows else None


def cache(key: str, body: dict[str, Any], now: datetime, expired: datetime) -> Operation[None]:
    """Keep an answer.

    1. Store it in place of an earlier one, unless it is too large.
    2. Delete some of those that were given before `expired`.
    3. Delete the oldest ones beyond the limit.
    """
    text = dump(body)
    if len(text) > LARGEST:
        return
    yield run(
        "INSERT INTO cached_answers (key, body, at) VALUES (?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET body = excluded.body, at = excluded.at",
        key,
        text,
        to_db_time(now),
    )
    yield run(
        "DELETE FROM cached_answers WHERE key IN (SELECT key FROM cached_answers WHERE at < ?"
        " ORDER BY at LIMIT ?)",
        to_db_time(expired),
        _STEP,
    )
    yield run(
        "DELETE FROM cached_answers WHERE key IN (SELECT key FROM cached_answers"
        " ORDER BY at DESC LIMIT ? OFFSET ?)",
        _STEP,
        MOST,
    )


class CachedAnswersPart(Part):
    """The methods of `Store` for answers that are used again."""

    async def cached_answer(self, key: str, since: datetime) -> dict[str, Any] | None:
        """Return the answer to this question if it was given since then."""
        return await self._engine.read(cached, key, since)

    async def cache_answer(
        self, key: str, body: dict[str, Any], now: datetime, expired: datetime
    ) -> None:
        """Keep the answer, and delete those that were given before `expired`, and the oldest."""
        await self._write(cache, key, body, now, expired)
