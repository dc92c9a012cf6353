"""Wake the outbox for what fell due by time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.response import Response


def retry_outbox(
    response: Response, clock: Callable[[], datetime]
) -> Callable[[], Awaitable[object]]:
    """Wake the outbox for what fell due by time; try what was given up again; count what waits.

    What waits in threads for too long gets its turn among the cards.
    """

    async def run() -> None:
        response.store.signal("outbox").set()
        now = clock()
        await response.store.outbox_revive(now)
        await response.store.outbox_promote(now)
        await response.count_backlog()

    return run
