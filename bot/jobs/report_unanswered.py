"""Say of incidents that nobody acknowledged them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import Response


def report_unanswered(response: Response) -> Callable[[], Awaitable[object]]:
    """Say of incidents that nobody acknowledged them."""
    return response.report_unanswered
