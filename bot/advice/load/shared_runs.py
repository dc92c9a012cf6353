"""Equal questions at the same time share one run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Shared(Generic[T]):
    task: asyncio.Task[T]
    waiting: int = 0


class SharedRuns(Generic[T]):
    """Runs one coroutine for each key at a time; all who ask for the key get its result.

    The run ends early when nobody waits for it any more.
    """

    def __init__(self) -> None:
        self._runs: dict[str, _Shared[T]] = {}

    def __len__(self) -> int:
        return len(self._runs)

    async def result(self, key: str, run: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """Return what the run of this key returns, and whether this call started it with `run`."""
        shared = self._runs.get(key)
        is_first = shared is None
        if shared is None:
            shared = self._runs[key] = _Shared(asyncio.ensure_future(_awaited(run)))
            shared.task.add_done_callback(lambda task: self._forget(key, task))
        shared.waiting += 1
        try:
            return await asyncio.shield(shared.task), is_first
        finally:
            shared.waiting -= 1
            if not shared.waiting and not shared.task.done():
                self._forget(key, shared.task)
                shared.task.cancel()
                await asyncio.wait([shared.task])  # until its processes are ended

    def _forget(self, key: str, task: asyncio.Task[T]) -> None:
        shared = self._runs.get(key)
        if shared is not None and shared.task is task:
            del self._runs[key]


async def _awaited(run: Callable[[], Awaitable[T]]) -> T:
    return await run()
