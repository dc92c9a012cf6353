"""Ends asyncio tasks for sure. It imports nothing of ours, so that every layer can use it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


async def cancel_all(tasks: Iterable[asyncio.Task[Any]], again_after: float = 5.0) -> None:
    """Cancel the tasks and wait for their ends; cancel again every `again_after` seconds.

    Once is not enough: `asyncio.wait_for` of Python 3.11, which libraries call, loses a
    cancellation that comes at the moment in which its work is done. The errors of the tasks are
    dropped.
    """
    tasks = list(tasks)
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=again_after)
    await asyncio.gather(*tasks, return_exceptions=True)  # marks their errors as read


async def cancel(task: asyncio.Task[Any]) -> None:
    """Do the same for one task."""
    await cancel_all([task])
