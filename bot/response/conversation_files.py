"""The conversation of each SOP ID as a file, as qproxy keeps it: for people who come from there.

`ROOT/<sop_id>.json` has the fields of qproxy's file for the last question, and in `history` the
last turns. The store stays the memory: the files are a copy, and are read once, at the start, for
SOP IDs of which the store knows nothing. Three forms are read: ours, qproxy's (one question), and
that of `/save` in Q and Kiro.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.advice.cleaning import strip_terminal
from bot.advice.model import utc_text
from bot.incidents.keys import is_sop_id
from bot.regular_files import read_regular
from store import Store
from store.rows import TurnRecord

log = logging.getLogger(__name__)

TURNS = 10
TURN_CHARS = 20_000
MOST_FILES = 5_000  # read at the start
MOST_BYTES = 1_048_576  # of one file


class ConversationFiles:
    """Writes and reads the files below `root`. A file that cannot be written is logged, no more."""

    def __init__(self, root: Path, store: Store, clock: Callable[[], datetime]) -> None:
        self._root = root
        self._store = store
        self._clock = clock

    async def write(self, sop_id: str, incident_key: str) -> None:
        """Write the last turns of a SOP ID."""
        if not is_sop_id(sop_id):
            return
        turns = await self._store.turns(sop_id, TURNS)
        content = json.dumps(document(sop_id, incident_key, turns), indent=2) + "\n"
        try:
            await asyncio.to_thread(self._replace, f"{sop_id}.json", content)
        except OSError as error:
            log.warning("the conversation %s is not written as a file: %s", sop_id, error.strerror)

    async def read_once(self) -> int:
        """Store the conversations of files about which the store knows nothing; return how many."""
        count = 0
        for file in await asyncio.to_thread(self._files):
            if await self._store.turns(file.stem, 1):
                continue
            turns = await asyncio.to_thread(_turns_of, file, self._clock())
            for turn in turns:
                await self._store.remember(file.stem, None, turn.role, turn.text, turn.at)
            count += bool(turns)
        return count

    def _files(self) -> list[Path]:
        if not self._root.is_dir():
            return []
        named = (file for file in sorted(self._root.glob("*.json")) if is_sop_id(file.stem))
        return [file for file, _ in zip(named, range(MOST_FILES), strict=False)]

    def _replace(self, name: str, content: str) -> None:
        """Write beside it and rename: a reader sees the old file or the new one."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=self._root)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
            Path(temporary).replace(self._root / name)
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink()
            raise


def document(sop_id: str, incident_key: str, turns: Sequence[TurnRecord]) -> dict[str, Any]:
    """Return the content of a file: qproxy's fields of the last question, and the last turns."""
    last = {turn.role: turn for turn in turns}
    person, advisor = last.get("person"), last.get("advisor")
    newest = turns[-1].at if turns else None
    return {
        "incident_key": incident_key,
        "prompt": person.text[:TURN_CHARS] if person else "",
        "response": advisor.text[:TURN_CHARS] if advisor else "",
        "sop_id": sop_id,
        "timestamp": utc_text(newest),
        "history": [
            {"role": turn.role, "text": turn.text[:TURN_CHARS], "at": utc_text(turn.at)}
            for turn in turns
        ],
    }


def _turns_of(file: Path, now: datetime) -> list[TurnRecord]:
    """Return the turns of a file; none, with a warning, if it is no conversation."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ValueError("it is over 1 MiB")
        content = json.loads(read_regular(file))
        if not isinstance(content, dict):
            raise ValueError("it is no JSON object")
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s is not read: %s", file.name, error)
        return []
    return list(_turns_in(content, now))[-TURNS:]


def _turns_in(content: dict[str, Any], now: datetime) -> Iterator[TurnRecord]:
    at = _time(content.get("timestamp"), now)
    summary = content.get("latest_summary")  # what `/compact` of Q left of earlier turns
    yield from _turn(
        "advisor", summary[0] if isinstance(summary, list) and summary else summary, at
    )
    history = content.get("history")
    if isinstance(history, list) and history:
        for turn in history:
            if isinstance(turn, dict) and turn.get("role") in ("person", "advisor"):
                yield from _turn(turn["role"], turn.get("text"), _time(turn.get("at"), at))
            elif isinstance(turn, str):  # the form that qproxy's own tests write: answers alone
                yield from _turn("advisor", turn, at)
            else:
                yield from _saved_by_q(turn, at)
        return
    yield from _turn("person", content.get("prompt"), at)
    yield from _turn("advisor", content.get("response"), at)


def _saved_by_q(turn: object, at: datetime) -> Iterator[TurnRecord]:
    """Read an entry of the history that `/save` writes; older versions write the two as a list.

    {"user": {"content": {"Prompt": {"prompt": "…"}}, "timestamp": "…"},
     "assistant": {"Response": {"content": "…"}}}
    """
    if isinstance(turn, dict):
        user, assistant = turn.get("user"), turn.get("assistant")
    elif isinstance(turn, list) and len(turn) == 2:
        user, assistant = turn
    else:
        return
    if isinstance(user, dict):
        at = _time(user.get("timestamp"), at)
        yield from _turn("person", _variant(user.get("content"), "prompt"), at)
    yield from _turn("advisor", _variant(assistant, "content"), at)


def _variant(value: object, field: str) -> object:
    """Return the field of the only variant in `{"Response": {"content": "…"}}`; None without it."""
    inner = next(iter(value.values()), None) if isinstance(value, dict) else None
    return inner.get(field) if isinstance(inner, dict) else None


def _turn(role: str, text: object, at: datetime) -> Iterator[TurnRecord]:
    if isinstance(text, str) and text.strip():
        storable = strip_terminal(text).encode("utf-8", "replace").decode()
        yield TurnRecord(role, storable[:TURN_CHARS], at)


def _time(text: object, otherwise: datetime) -> datetime:
    """Return a time in UTC that is not in the future; a naive one is read as UTC."""
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else otherwise
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the year 1 of another zone is the year 0 of UTC
        return otherwise
    return min(at, otherwise)
