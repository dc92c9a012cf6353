"""Look at what ran and is not verified yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import Response


def verify(response: Response) -> Callable[[], Awaitable[object]]:
    """Look at what ran and is not verified yet."""
    return response.dispatches.verify_due
