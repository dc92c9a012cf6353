"""Look for messages of ours that may have been posted although nobody noted it."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.errors import OutcomeUnknown
from handlers.outbound.metadata import Sender, as_object, key_of
from store.rows import OutboxMessage

log = logging.getLogger(__name__)

PAGE = 500  # messages asked for at once
MOST_PAGES = 2000  # of one list: a million messages
PLACES = 50  # channels and threads of which a look is kept
BEFORE = timedelta(seconds=60)  # Slack's clock and ours need not agree

Call = Callable[..., Awaitable[dict[str, Any]]]


@dataclass(slots=True)
class _Look:
    """One look at a place: what of ours stood there, posted since `oldest`, as of `at`.

    `cursor` is where it goes on when Slack cut it short; None once it is complete.
    """

    at: datetime
    oldest: datetime
    found: dict[str, str] = field(default_factory=dict)
    cursor: str | None = ""


class Finder:
    """Answers for many messages from one look at their channel or thread.

    After an outage all that was tried in vain has to be looked for, and Slack allows few looks; a
    long one goes on where it was cut short.
    """

    def __init__(self, call: Call, clock: Callable[[], datetime], sender: Sender) -> None:
        self._call = call
        self._clock = clock
        self._sender = sender
        self._looks: OrderedDict[tuple[str, str], _Look] = OrderedDict()

    async def find(self, message: OutboxMessage, tried_at: datetime) -> str | None:
        """The ts of the message, where it was posted by a try that ended at `tried_at`.

        Raises what `call` raises; the next try goes on from there.
        """
        place = (message.channel, message.thread_ts or "")
        oldest = message.created_at - BEFORE
        look = self._looks.get(place)
        if look is None or not (look.oldest <= oldest and tried_at < look.at):
            look = self._looks[place] = _Look(self._clock(), oldest)
            self._looks.move_to_end(place)
            while len(self._looks) > PLACES:
                self._looks.popitem(last=False)
        if look.cursor is not None:
            await self._read(place, look)
        return look.found.get(message.key)

    async def _read(self, place: tuple[str, str], look: _Look) -> None:
        channel, thread = place
        where: dict[str, Any] = {
            "channel": channel,
            "oldest": f"{look.oldest.timestamp():.6f}",
            "limit": PAGE,
            "include_all_metadata": True,
        }
        if thread:
            where["ts"] = thread
        method = "conversations_replies" if thread else "conversations_history"
        async for page, following in pages(self._call, method, look.cursor or "", **where):
            for posted in page:
                # Replies of ours stand only beneath cards of ours.
                if key := key_of(posted, self._sender, in_own_thread=bool(thread)):
                    look.found[key] = str(posted["ts"])
            look.cursor = following or None


async def pages(
    call: Call, method: str, cursor: str = "", **where: Any
) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
    """What the method lists, a page at a time, each with the cursor of the next ('' for none).

    A cursor that comes again ends the list: what it leads to was read already. OutcomeUnknown when
    the list does not end after MOST_PAGES; what was read so far stands.
    """
    seen = {cursor}
    for _ in range(MOST_PAGES):
        answer = await call(method, cursor=cursor, **where)
        cursor = str(as_object(answer.get("response_metadata")).get("next_cursor") or "")
        if cursor and cursor in seen:
            log.warning("Slack's %s leads back to a page it gave before; it ends there", method)
            cursor = ""
        seen.add(cursor)
        yield _objects(answer.get("messages")), cursor
        if not cursor:
            return
    raise OutcomeUnknown(f"Slack's {method} has more than {MOST_PAGES} pages.")


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
