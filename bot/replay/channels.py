"""The channels of a replay: each message that the outbox has due is shown at once, and counted."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from store import Store
from store.messages import OutboxMessage


class RecordedChannels:
    """Takes every message, without any limit on their rate, and counts those of incidents."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._number = 0
        self.posts: Counter[int] = Counter()
        """Messages outside threads, by incident id. A change of a message is no post."""
        self.pages: Counter[int] = Counter()
        """Messages that mention people because of bad news, by incident id."""
        self.requests: Counter[int] = Counter()
        """Approvals that people are asked for, by incident id."""

    async def show_due(self, now: datetime) -> None:
        """Show what is due; replies follow their card."""
        while channels := await self._store.outbox_channels(now):
            for channel in channels:
                for message in await self._store.outbox_due(channel, now):
                    await self._show(message)

    async def _show(self, message: OutboxMessage) -> None:
        ts = message.ts
        if ts is None:
            self._number += 1
            ts = f"{self._number}.000000"
            if message.incident_id is not None:
                await self._count(message, message.incident_id)
        await self._store.outbox_sent(message, ts)

    async def _count(self, message: OutboxMessage, incident_id: int) -> None:
        if not message.in_thread:
            self.posts[incident_id] += 1
        elif message.kind == "approval":
            self.requests[incident_id] += 1
        elif message.kind == "news":
            item = await self._store.news(int(message.subject))
            self.pages[incident_id] += bool(item and item.mentions)
