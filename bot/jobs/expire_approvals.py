"""End approvals that wait in vain: too long, or for a world that is gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import Response


def expire_approvals(response: Response) -> Callable[[], Awaitable[object]]:
    """End approvals that wait in vain: too long, or for a world that is gone."""
    return response.decisions.tend
