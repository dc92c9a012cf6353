"""Keeps the lease of this process, from before the first step until after the last one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from bot.errors import StoreError
from bot.observability.throttled_logger import ThrottledLogger
from store.replica import Replica

log = logging.getLogger(__name__)

BEATS = 3  # renewals a lease, so that one that fails is not the end


async def heartbeat(replica: Replica, clock: Callable[[], datetime]) -> None:
    """Renew the lease until cancelled."""
    throttled = ThrottledLogger(log, logging.WARNING, "the lease is not renewed: %s")
    while True:
        await asyncio.sleep(replica.seconds / BEATS)
        try:
            await replica.renew(clock())
        except StoreError as error:
            throttled.log(error)
