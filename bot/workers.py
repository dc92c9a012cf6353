"""Loops that do what the store says is due: woken by a commit, and now and then by themselves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

POLL = 2.0  # seconds; a commit wakes the loop, this is for what fell due by time


class Workers:
    """The loops of one process."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._signals: list[asyncio.Event] = []
        self._stopping = False

    def start(self, name: str, signal: asyncio.Event, step: Callable[[], Awaitable[bool]]) -> None:
        """Do `step` while it finds work; then wait for `signal`, at most 2 s."""
        self._signals.append(signal)
        self._tasks.append(asyncio.create_task(self._loop(name, signal, step), name=name))

    def once(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        """Do `step` one time, beside everything else."""

        async def run() -> None:
            try:
                await step()
            except Exception:
                log.exception("%s failed", name)

        self._tasks.append(asyncio.create_task(run(), name=name))

    async def stop(self, timeout: float) -> None:
        """Let the steps under way finish, for at most `timeout` seconds.

        What is cut off then is picked up by the next process: it is all in the store.
        """
        self._stopping = True
        for signal in self._signals:
            signal.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _loop(
        self, name: str, signal: asyncio.Event, step: Callable[[], Awaitable[bool]]
    ) -> None:
        while not self._stopping:
            signal.clear()
            try:
                while not self._stopping and await step():
                    pass
            except Exception:
                log.exception("%s failed; it goes on", name)
            try:
                await asyncio.wait_for(signal.wait(), POLL)
            except TimeoutError:
                continue
