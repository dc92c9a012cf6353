"""Reads and sends the messages of a store's outbox."""

from __future__ import annotations

from store import Store
from store.messages import OutboxMessage
from tests.helpers.builders import CHANNEL, later

NEVER = 10_000_000


async def message(store: Store, key: str) -> OutboxMessage:
    result = await store.outbox_message(key)
    assert result is not None, key
    return result


async def due(store: Store, seconds: float) -> list[str]:
    return [item.key for item in await store.outbox_due(CHANNEL, later(seconds))]


async def send(store: Store, key: str, ts: str) -> OutboxMessage:
    await store.outbox_sent(await message(store, key), ts)
    return await message(store, key)
