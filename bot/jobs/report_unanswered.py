"""Report incidents that nobody acknowledged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import Response


def report_unanswered(response: Response) -> Callable[[], Awaitable[object]]:
    """Report incidents that nobody acknowledged."""
    return response.report_unanswered
