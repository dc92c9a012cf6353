"""Works on several due items at the same time, so that a slow one delays only itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from bot.approvals.model import Execution

log = logging.getLogger(__name__)


class Parallel:
    """Up to `limit()` executions at a time, and none of them twice."""

    def __init__(self, name: str, limit: Callable[[], int]) -> None:
        self._name = name
        self._limit = limit
        self._in_hand: set[str] = set()
        self._working = 0
        self._slot = asyncio.Condition()

    async def each(
        self, due: Iterable[Execution], work: Callable[[Execution], Awaitable[object]]
    ) -> None:
        """Do `work` for each item that no earlier call works on, and wait for them.

        All are tried; then the first error is raised, and the others are logged.
        """
        begun = [execution for execution in due if execution.id not in self._in_hand]
        self._in_hand.update(execution.id for execution in begun)
        results = await asyncio.gather(
            *(self._work(execution, work) for execution in begun), return_exceptions=True
        )
        errors = [result for result in results if isinstance(result, BaseException)]
        for error in errors[1:]:
            log.error("%s failed for one more", self._name, exc_info=error)
        if errors:
            raise errors[0]

    async def _work(
        self, execution: Execution, work: Callable[[Execution], Awaitable[object]]
    ) -> None:
        try:
            async with self._slot:
                await self._slot.wait_for(lambda: self._working < self._limit())
                self._working += 1
            try:
                await work(execution)
            finally:
                self._working -= 1
                async with self._slot:
                    self._slot.notify()
        finally:
            self._in_hand.discard(execution.id)
