"""Look after dispatches whose sender died."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import Response


def recover(response: Response) -> Callable[[], Awaitable[object]]:
    """Look after dispatches whose sender died."""
    return response.dispatches.recover
