"""Forget what the policy does not keep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.response import IncidentService


def prune(service: IncidentService) -> Callable[[], Awaitable[object]]:
    """Forget what the policy does not keep."""
    return service.prune
