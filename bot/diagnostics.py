"""The diagnostic dump: the state of every part, the queues, the running work, no secret."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.advice.advisor import Advisor
from bot.errors import StoreError
from bot.observability.health import Health
from bot.response import IncidentService
from bot.response.gateway_watch import GatewayWatch
from bot.serving.last_problems import last_problems
from store import Store


async def dump(
    service: IncidentService,
    health: Health,
    advisor: Advisor,
    gateway: GatewayWatch,
    clock: Callable[[], datetime],
) -> dict[str, Any]:
    """The state of every part, in ids and counts."""
    breaker = advisor.health()
    return {
        "replica": service.store.owner,
        "health": health.report(),
        "breakers": {
            "advisor": dataclasses.asdict(breaker) if breaker else None,
            "gateways_down_since": {
                name: since.isoformat() for name, since in gateway.down_since.items()
            },
        },
        "stored": await _stored(service.store, clock()),
        "dispatching": service.dispatches.in_hand,
        "tasks": Counter(task.get_name().split("-")[0] for task in asyncio.all_tasks()),
        "last_problems": last_problems(),
    }


async def _stored(store: Store, now: datetime) -> dict[str, Any]:
    """The queues; the reason where the store fails: a dump is for such times too."""
    try:
        waiting, failed = await store.outbox_backlog()
        overdue = await store.overdue_work(now)
        return {
            "outbox": {"waiting": waiting, "failed": failed},
            "incidents": await store.incident_counts(),
            "approvals_waiting": len(await store.approvals_waiting()),
            "verifying": len(await store.verifying()),
            "overdue": [{"what": work.what, "count": work.count} for work in overdue],
        }
    except StoreError as error:
        return {"error": str(error)}
