"""Remembers for a day which kinds of blocks Slack refuses, and sends their plain form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

from handlers.views.newer_blocks import newer_kinds, plain_form
from handlers.views.text import Block
from store import Store

REMEMBERED = timedelta(days=1)  # then it is tried again: the workspace may have been updated
READ_EVERY = timedelta(minutes=5)  # another replica may have learned it


class RefusedBlocks:
    """The kinds that the workspace of this store refuses."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._kinds: frozenset[str] = frozenset()
        self._read_at: datetime | None = None

    async def accepted_form(self, blocks: Sequence[Block]) -> list[Block]:
        """The blocks in a form of which Slack has refused nothing within a day."""
        if not newer_kinds(blocks):
            return list(blocks)
        now = self._clock()
        if self._read_at is None or not self._read_at <= now < self._read_at + READ_EVERY:
            self._kinds = await self._store.refused_block_kinds(now)
            self._read_at = now
        return plain_form(blocks, self._kinds)

    async def remember(self, kinds: Collection[str]) -> None:
        """Slack refused a message with these kinds, and took it without them."""
        await self._store.refuse_block_kinds(kinds, self._clock() + REMEMBERED)
        self._read_at = None
