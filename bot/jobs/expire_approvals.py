"""End approvals that nobody decided in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import Response


def expire_approvals(response: Response) -> Callable[[], Awaitable[object]]:
    """End approvals that nobody decided in time."""
    return response.expire
