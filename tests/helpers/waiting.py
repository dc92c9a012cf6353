"""Waits for a condition that no event announces: a row, a file, another process."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.01


async def until(
    condition: Callable[[], T | Awaitable[T]],
    seconds: float = 60,
    why: str = "something",
    *,
    every: float | None = None,
) -> T:
    """Return the first true answer of `condition()`, which may be a coroutine.

    All seconds are those of the running loop: a `VirtualTimeLoop` has its own `poll_seconds`.
    """
    loop = asyncio.get_running_loop()
    pause = every or getattr(loop, "poll_seconds", POLL_SECONDS)
    try:
        async with asyncio.timeout(seconds):
            while not (answer := await _answer(condition)):  # noqa: ASYNC110 - no event comes of it
                await asyncio.sleep(pause)
    except TimeoutError:
        raise AssertionError(f"waited {seconds:g} s in vain for: {why}") from None
    return answer


async def _answer(condition: Callable[[], T | Awaitable[T]]) -> T:
    answer = condition()
    return await answer if inspect.isawaitable(answer) else answer
