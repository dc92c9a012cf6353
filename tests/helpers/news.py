"""Reads the bad news of a store, and shows a message as the outbox does."""

from __future__ import annotations

from bot.incidents.news import News
from store import Store


async def news_of(store: Store) -> list[News]:
    """Every piece of news, as its message in the outbox would show it."""
    items = []
    for number in range(1, 60):  # what was said already may have taken a number
        if await store.outbox_message(f"news:{number}"):
            item = await store.news(number)
            assert item is not None
            items.append(item)
    return items


async def shown(store: Store, key: str) -> None:
    """Slack shows that message."""
    message = await store.outbox_message(key)
    assert message is not None
    assert await store.outbox_sent(message, f"{message.id}.0")
