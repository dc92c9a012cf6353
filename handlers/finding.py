"""Look for a message of ours that may have been posted although nobody noted it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from store.rows import OutboxMessage

HISTORY_PAGE = 200

Call = Callable[..., Awaitable[dict[str, Any]]]


async def find_posted(call: Call, message: OutboxMessage, own_bot_id: str) -> str | None:
    """The ts of a message that carries our key already, looking back to when it was wished.

    `own_bot_id` '' takes anybody's word for it. Raises what `call` raises.
    """
    where: dict[str, Any] = {
        "channel": message.channel,
        "oldest": f"{message.created_at.timestamp() - 60:.6f}",
        "limit": HISTORY_PAGE,
        "include_all_metadata": True,
    }
    method = "conversations_history"
    if message.thread_ts:
        method = "conversations_replies"
        where["ts"] = message.thread_ts
    cursor = ""
    while True:
        page = await call(method, cursor=cursor, **where)
        for posted in _list(page.get("messages")):
            if is_ours(message, posted, own_bot_id):
                return str(posted["ts"])
        cursor = _dict(page.get("response_metadata")).get("next_cursor", "")
        if not cursor:
            return None


def is_ours(message: OutboxMessage, posted: Any, own_bot_id: str) -> bool:
    """Whether this is that message. Any app can post our key, but not under our bot_id."""
    posted = _dict(posted)
    metadata = _dict(posted.get("metadata"))
    return (
        isinstance(posted.get("ts"), str)
        and own_bot_id in ("", posted.get("bot_id"))
        and metadata.get("event_type") == f"sopbot.{message.kind}"
        and _dict(metadata.get("event_payload")).get("key") == message.key
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
