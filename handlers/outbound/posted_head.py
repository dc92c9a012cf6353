"""Reads the heads of the audit trail that the bot posted in the ops channel.

A process that has just started knows only the trail in the store. Somebody who restores an older
copy of the store cannot change a message in Slack, whose metadata holds the head.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.errors import SopbotError
from handlers.outbound.metadata import Sender, as_object, key_of, time_of
from handlers.outbound.posted_messages import Call, pages
from store import Store
from store.audit.known_head import Head
from store.audit.proof.rows import Anchor
from store.operations.trail_upkeep import POSTED

log = logging.getLogger(__name__)

PAGE = 200  # messages a call
MOST_PAGES = 5  # the bot posts a head every day, so it is among the last messages
_MAC = re.compile(r"[0-9a-f]{64}")


def facts_of(day: Anchor) -> Mapping[str, str | int]:
    """The metadata of a day's message: its head, if the trail was proved up to there."""
    return {} if day.note else {"row": day.seq, "head": day.mac}


async def compare_posted_heads(store: Store, call: Call, channel: str, sender: Sender) -> None:
    """Compare the trail with the heads posted in `channel`, as far as Slack shows them.

    It needs the bot_id: without that, another app's copy of such a message would look like ours.
    """
    if not sender.bot_id:
        log.warning("the audit trail was not compared with Slack: Slack gave this bot no bot_id")
        return
    try:
        await store.compare_posted_heads(await _posted(call, channel, sender))
    except SopbotError as error:
        log.warning("the audit trail was not compared with the head posted in Slack: %s", error)


async def _posted(call: Call, channel: str, sender: Sender) -> list[tuple[Head, datetime]]:
    """The heads in the newest messages, each with the time of its post."""
    posted: list[tuple[Head, datetime]] = []
    read = 0
    where: dict[str, Any] = {"channel": channel, "limit": PAGE, "include_all_metadata": True}
    async for page, _ in pages(call, "conversations_history", **where):
        for message in page:
            key = key_of(message, sender, in_own_thread=False) or ""
            if not key.startswith(f"{POSTED}:"):
                continue
            head, posted_at = _head_in(message), time_of(message["ts"])
            if head and posted_at:
                posted.append((head, posted_at))
        read += 1
        if read == MOST_PAGES:
            if not posted:
                log.warning(
                    "the audit trail was not compared with Slack: no head stands among the last"
                    " %d messages of %s",
                    MOST_PAGES * PAGE,
                    channel,
                )
            break
    return posted


def _head_in(message: dict[str, Any]) -> Head | None:
    payload = as_object(as_object(message.get("metadata")).get("event_payload"))
    row, mac = payload.get("row"), payload.get("head")
    if type(row) is int and row > 0 and isinstance(mac, str) and _MAC.fullmatch(mac):
        return Head(row, mac)
    return None
