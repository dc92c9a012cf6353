"""Ask the gateway again about outcomes that are unknown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import Response


def look_up_unknown(response: Response) -> Callable[[], Awaitable[object]]:
    """Ask the gateway again about outcomes that are unknown."""
    return response.dispatches.look_up_unknown
