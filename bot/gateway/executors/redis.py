"""Redis: deletes the keys of a declared prefix without blocking the server, and reports memory."""

from __future__ import annotations

from bot.gateway.executors import Executor, Kind, Setup
from bot.gateway.executors.redis_target import DELETE, REPORT, RedisTarget


def _build(setup: Setup) -> Executor:
    from bot.gateway.executors.redis_keys import RedisExecutor

    return RedisExecutor(setup)


KIND = Kind(
    name="redis",
    target=RedisTarget,
    actions=(DELETE, REPORT),
    build=_build,
    requires=("redis",),
    extra="gateway-redis",
)
