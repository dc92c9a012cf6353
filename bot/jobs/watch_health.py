"""Ask everything the bot needs how it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.observability.health import Health


def watch_health(health: Health) -> Callable[[], Awaitable[object]]:
    """Ask everything the bot needs how it is."""
    return health.look
