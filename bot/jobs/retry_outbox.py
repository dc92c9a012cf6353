"""Wake the outbox for what fell due by time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.response import IncidentService
from store.topics import Topic


def retry_outbox(
    service: IncidentService, clock: Callable[[], datetime]
) -> Callable[[], Awaitable[object]]:
    """Wake the outbox for what fell due by time; try what was given up again; count what waits.

    What waits in threads for too long gets its turn among the cards.
    """

    async def run() -> None:
        service.store.signal(Topic.OUTBOX).set()
        now = clock()
        await service.store.outbox_retry_failed(now)
        await service.store.outbox_raise_priority(now)
        await service.count_backlog()

    return run
