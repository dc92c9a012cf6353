"""The head of the audit trail that was posted last in the ops channel, read back from there.

A process that has just started knows nothing of the trail but what the store says. Whoever put back
an older copy of the store could not change what stands in Slack.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any

from bot.errors import SopbotError
from handlers.finding import Call, pages
from handlers.metadata import Sender, key_of
from store.contract import Store
from store.known_head import Head
from store.operations.keeping import POSTED

log = logging.getLogger(__name__)

PAGE = 200  # messages asked for at once
MOST_PAGES = 5  # a head is posted every day: it stands among the last messages
_HEAD = re.compile(r"up to row ([\d,]{1,20})\b.{0,20}?head `([0-9a-f]{64})`", re.DOTALL)


async def compare_posted_head(store: Store, call: Call, channel: str, sender: Sender) -> None:
    """Compare the trail with the last head posted in `channel`, if Slack shows it."""
    try:
        posted = await _last_posted(call, channel, sender)
        if posted is not None:
            await store.compare_posted_head(*posted)
    except SopbotError as error:
        log.warning("the audit trail was not compared with the head posted in Slack: %s", error)


async def _last_posted(call: Call, channel: str, sender: Sender) -> tuple[Head, datetime] | None:
    read = 0
    where: dict[str, Any] = {"channel": channel, "limit": PAGE, "include_all_metadata": True}
    async for page, _ in pages(call, "conversations_history", **where):
        for message in page:  # newest first
            key = key_of(message, sender, in_own_thread=False) or ""
            if not key.startswith(f"{POSTED}:"):
                continue
            if match := _HEAD.search(_text_of(message)):
                at = datetime.fromtimestamp(float(message["ts"]), UTC)
                return Head(int(match[1].replace(",", "")), match[2]), at
        read += 1
        if read == MOST_PAGES:
            break
    return None


def _text_of(message: dict[str, Any]) -> str:
    blocks = message.get("blocks")
    for block in blocks if isinstance(blocks, list) else []:
        text = block.get("text") if isinstance(block, dict) else None
        if isinstance(text, dict) and isinstance(text.get("text"), str):
            return str(text["text"])
    return ""
