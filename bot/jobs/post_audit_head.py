"""Post where the audit trail stood at the end of a day."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from bot.response import IncidentService


def post_audit_head(
    service: IncidentService, clock: Callable[[], datetime], ops_channel: str
) -> Callable[[], Awaitable[object]]:
    """Prove the day that is over and post its head in the ops channel: once, whoever runs it."""

    async def run() -> None:
        await service.store.close_audit_day(ops_channel, clock())

    return run
