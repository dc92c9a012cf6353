"""The health checks of the bot: which parts are checked, and which of them decide on readiness."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from bot.advice.advisor import Advisor
from bot.observability.events import Event
from bot.observability.health import Health
from bot.remediation.gateways import Gateways
from bot.response.gateway_watch import GatewayWatch
from bot.response.watchdog import Watchdog
from handlers.inbound.history_backfill import HistoryBackfill
from handlers.outbound.outbox import Outbox


def register_checks(
    health: Health,
    *,
    takes_writes: Callable[[], Coroutine[Any, Any, None]],
    check_connections: Callable[[], None],
    backfill: HistoryBackfill,
    outbox: Outbox,
    watchdog: Watchdog,
    advisor: Advisor,
    gateways: Gateways,
    gateway_watch: GatewayWatch,
) -> None:
    """Register the check of each part; `takes_writes` raises while the store fails."""

    async def slack() -> None:
        check_connections()
        await backfill.check()

    health.register("store", takes_writes, events=(Event.STORE_UNAVAILABLE, Event.STORE_AVAILABLE))
    health.register("slack", slack)
    health.register("outbox", outbox.check)
    health.register("audit trail", watchdog.check_trail, vital=False)
    health.register("work", watchdog.check, vital=False)
    if advisor.health() is not None:
        health.register("advisor", advisor.check, vital=False)
    for gateway in gateways:
        part = f"gateway {gateway.name}".strip()
        health.register(part, partial(gateway_watch.check, gateway), vital=gateway.required)
