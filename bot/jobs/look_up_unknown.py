"""Ask the gateway again about outcomes that are unknown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import IncidentService


def look_up_unknown(service: IncidentService) -> Callable[[], Awaitable[object]]:
    """Ask the gateway again about outcomes that are unknown."""
    return service.dispatches.look_up_unknown
