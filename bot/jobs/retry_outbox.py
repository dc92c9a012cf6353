"""Wake the outbox for what fell due by time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.response import Response


def retry_outbox(
    response: Response, clock: Callable[[], datetime]
) -> Callable[[], Awaitable[object]]:
    """Wake the outbox for what fell due by time; try what was given up again; count what waits."""

    async def run() -> None:
        response.store.signal("outbox").set()
        await response.store.outbox_revive(clock())
        await response.count_backlog()

    return run
