"""End approvals that wait in vain: too long, or for a world that is gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import IncidentService


def expire_approvals(service: IncidentService) -> Callable[[], Awaitable[object]]:
    """End approvals that wait in vain: too long, or for a world that is gone."""
    return service.decisions.tend
