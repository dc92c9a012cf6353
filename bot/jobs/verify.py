"""Look at what ran and is not verified yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import IncidentService


def verify(service: IncidentService) -> Callable[[], Awaitable[object]]:
    """Look at what ran and is not verified yet."""
    return service.dispatches.verify_due
