"""Whether the audit trail is still the one that this bot has seen; if not, ops is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.errors import SopbotError
from store.contract import Store


class TrailWatch:
    """Compares the trail in the store with what this process knows of it."""

    def __init__(self, store: Store, clock: Callable[[], datetime], ops_channel: str) -> None:
        self._store = store
        self._clock = clock
        self._ops_channel = ops_channel

    async def check(self) -> None:
        """SopbotError, with the reason, while the trail is disputed."""
        if why := await self._store.check_trail(self._ops_channel, self._clock()):
            raise SopbotError(f"the audit trail was cut back or replaced: {why}")
