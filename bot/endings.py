"""Ends the parts of a bot."""

from __future__ import annotations

import asyncio
import logging

from bot.errors import StoreError
from store.replica import Replica

log = logging.getLogger(__name__)


async def leave(replica: Replica) -> None:
    """Give up the lease. If that fails the other replicas wait for its end, which is no error."""
    try:
        await replica.leave()
    except StoreError as error:
        log.warning("the other replicas have to wait for the lease: %s", error)


async def cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
