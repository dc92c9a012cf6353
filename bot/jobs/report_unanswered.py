"""Report incidents that nobody acknowledged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import IncidentService


def report_unanswered(service: IncidentService) -> Callable[[], Awaitable[object]]:
    """Report incidents that nobody acknowledged."""
    return service.report_unanswered
