"""Finds messages of ours that Slack shows although no replica recorded the post."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.errors import OutcomeUnknown
from handlers.outbound.metadata import Sender, as_object, files_of, key_of
from store.messages import OutboxMessage

log = logging.getLogger(__name__)

PAGE = 500  # messages a call
MOST_PAGES = 2000  # of one list: a million messages
PLACES = 50  # channels and threads whose reading is kept
BEFORE = timedelta(seconds=60)  # Slack's clock and ours need not agree

Call = Callable[..., Awaitable[dict[str, Any]]]


@dataclass(slots=True)
class _Reading:
    """One reading of a channel or thread at `at`: our messages there that are not before `oldest`.

    `cursor` is where the reading resumes after Slack interrupted it; None once it is complete.
    """

    at: datetime
    oldest: datetime
    ts_by_key: dict[str, str] = field(default_factory=dict)
    cursor: str | None = ""


class PostedMessageLookup:
    """Finds many messages by one reading of their channel or thread.

    After an outage the bot must look up every message that it tried in vain, and Slack allows few
    calls. A long reading resumes where Slack interrupted it.
    """

    def __init__(self, call: Call, clock: Callable[[], datetime], sender: Sender) -> None:
        self._call = call
        self._clock = clock
        self._sender = sender
        self._readings: OrderedDict[tuple[str, str], _Reading] = OrderedDict()

    async def find(self, message: OutboxMessage, tried_at: datetime, key: str = "") -> str | None:
        """The ts of the message, if a try that ended at `tried_at` posted it.

        `key` is `metadata.file_key` of a message that is a file; then it is the file's id. Raises
        what `call` raises; the next call resumes the reading there.
        """
        place = (message.channel, message.thread_ts or "")
        oldest = message.created_at - BEFORE
        reading = self._readings.get(place)
        if reading is None or not (reading.oldest <= oldest and tried_at < reading.at):
            reading = self._readings[place] = _Reading(self._clock(), oldest)
            self._readings.move_to_end(place)
            while len(self._readings) > PLACES:
                self._readings.popitem(last=False)
        if reading.cursor is not None:
            await self._read(place, reading)
        return reading.ts_by_key.get(key or message.key)

    async def _read(self, place: tuple[str, str], reading: _Reading) -> None:
        channel, thread = place
        where: dict[str, Any] = {
            "channel": channel,
            "oldest": f"{reading.oldest.timestamp():.6f}",
            "limit": PAGE,
            "include_all_metadata": True,
        }
        if thread:
            where["ts"] = thread
        method = "conversations_replies" if thread else "conversations_history"
        async for page, following in pages(self._call, method, reading.cursor or "", **where):
            for posted in page:
                # The bot replies only to its own cards.
                if key := key_of(posted, self._sender, in_own_thread=bool(thread)):
                    reading.ts_by_key[key] = str(posted["ts"])
                reading.ts_by_key |= files_of(posted, self._sender)
            reading.cursor = following or None


async def pages(
    call: Call, method: str, cursor: str = "", **where: Any
) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
    """Yield the method's pages of messages, each with the cursor of the next page ('' for none).

    A cursor that repeats ends the list, because its page was read already. OutcomeUnknown if the
    list has more than MOST_PAGES pages; the pages yielded before that are valid.
    """
    seen = {cursor}
    for _ in range(MOST_PAGES):
        answer = await call(method, cursor=cursor, **where)
        cursor = str(as_object(answer.get("response_metadata")).get("next_cursor") or "")
        if cursor and cursor in seen:
            log.warning("Slack's %s repeats a cursor; its list ends there", method)
            cursor = ""
        seen.add(cursor)
        yield _objects(answer.get("messages")), cursor
        if not cursor:
            return
    raise OutcomeUnknown(f"Slack's {method} has more than {MOST_PAGES} pages.")


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
