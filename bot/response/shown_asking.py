"""Lets the card say that the advisors are asked, once their answer takes a while."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

from bot.advice.model import Advice
from bot.errors import StoreError
from bot.tasks import cancel
from store import Store

log = logging.getLogger(__name__)

SHOWN_AFTER = 2.0  # seconds: a quick or stored answer changes no card, so a burst pays nothing


class ShownAsking:
    """Shows that the advisors are asked for one advice; the advice itself ends that."""

    def __init__(self, store: Store, advice_id: int, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._advice_id = advice_id
        self._clock = clock

    async def during(self, asking: Coroutine[Any, Any, Advice], advisors: Sequence[str]) -> Advice:
        """Await `asking` and return its advice; the card names `advisors` if that takes a while."""
        if not advisors:
            return await asking
        began = self._clock()
        task = asyncio.ensure_future(asking)
        try:
            await asyncio.wait({task}, timeout=SHOWN_AFTER)
            if not task.done():
                await self._show(", ".join(advisors), began)
            return await task
        finally:
            await cancel(task)

    async def _show(self, advisors: str, began: datetime) -> None:
        try:
            await self._store.advice_is_asked(self._advice_id, advisors, began, self._clock())
        except StoreError as error:  # the advice itself matters more
            log.warning("the card does not say that the advisor is asked: %s", error)
