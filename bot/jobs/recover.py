"""Look after dispatches whose sender died."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import IncidentService


def recover(service: IncidentService) -> Callable[[], Awaitable[object]]:
    """Look after dispatches whose sender died."""
    return service.dispatches.recover
