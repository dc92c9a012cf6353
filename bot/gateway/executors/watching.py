"""Reads a system's state while the gateway waits for a change that it has sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.gateway.errors import ExecutorError
from bot.gateway.executors.progress import report_progress
from bot.gateway.executors.remote import UNREACHABLE

T = TypeVar("T")

_NO_ANSWER = frozenset({UNREACHABLE, "DOCKER_UNREACHABLE"})


async def read_until(end: float, pause: float, read: Callable[[], Awaitable[T]]) -> T:
    """Return the state that `read` reads; read again while the system gives no answer.

    A system may be away for a moment, also because of the change itself, and the change goes on
    without it: one failed read says nothing about it. `end` is a time of the loop's clock, `pause`
    the seconds between two reads. ExecutorError: no answer until `end`, or an answer that refuses.
    """
    loop = asyncio.get_running_loop()
    while True:
        try:
            return await read()
        except ExecutorError as error:
            if error.code not in _NO_ANSWER or loop.time() >= end:
                raise
            report_progress(f"asks again: {error.message}")
        await asyncio.sleep(pause)
