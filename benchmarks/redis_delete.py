"""Deletes 1,000,000 keys of a real Redis by the gateway, from the plan to the answer.

The figure is the longest time that one command held the server, as the server itself measures it
(SLOWLOG): for so long every other client of the cache waits. The floor is the same for one pass of
bare SCAN commands of the same step, by redis-py, without a match and without a deletion.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import redis

from benchmarks.results import Bar, Result
from bot.gateway.app import running
from bot.gateway.config import read_config
from bot.gateway.executors.redis_keys import SCAN_COUNT
from bot.remediation.client import ActionCall, GatewayClient
from tests.helpers.gateway_servers import redis_server

KEYS = 1_000_000
BAR_MS = 5.0
_BATCH = 10_000


async def run() -> list[Result]:
    """Measure in a thread, whose own loop runs the gateway."""
    return await asyncio.to_thread(measured)


def measured() -> list[Result]:
    with redis_server("--slowlog-log-slower-than", "0", "--slowlog-max-len", "100000") as port:
        server = redis.Redis(port=port)
        fill(server)
        floor, _ = slowest(server, lambda: scan(server))
        began = time.perf_counter()
        value, most = slowest(server, lambda: asyncio.run(delete(port)))
        seconds = time.perf_counter() - began
        left = server.dbsize()
    if left:
        raise RuntimeError(f"{left} keys are left")
    detail = {"keys": KEYS, "seconds": round(seconds, 2), "p999_ms": most}
    return [Result("gateway.redis_delete", value, "ms", floor, Bar(BAR_MS, "ms"), detail)]


def fill(server: redis.Redis) -> None:
    for start in range(0, KEYS, _BATCH):
        server.mset({f"cache:page:{n}": "x" * 50 for n in range(start, min(KEYS, start + _BATCH))})


def scan(server: redis.Redis) -> None:
    for _ in server.scan_iter(count=SCAN_COUNT):
        pass


def slowest(server: redis.Redis, work: Callable[[], None]) -> tuple[float, float]:
    """Return milliseconds of the server's longest command while `work` runs, and the 99.9 %."""
    server.slowlog_reset()
    work()
    entries = server.slowlog_get(100_000)
    times = sorted(e["duration"] / 1000 for e in entries if b"SLOWLOG" not in e["command"])
    return times[-1], times[len(times) * 999 // 1000]


async def delete(port: int) -> None:
    """Plan and execute at a gateway in this process."""
    with tempfile.TemporaryDirectory() as folder:
        target = {"executor": "redis", "host": "127.0.0.1", "port": port, "prefixes": ["cache:"]}
        config = read_config(
            {"listen": {"port": 0}, "state_dir": str(Path(folder) / "state"),
             "targets": {"cache": target}}
        )  # fmt: skip
        call = ActionCall(
            action_id="redis.delete_keys", target="cache", parameters={"prefix": "cache:page:"}
        )
        async with running(config) as gateway, aiohttp.ClientSession() as session:
            client = GatewayClient(
                session, url=gateway.url, timeout=170, source_id="bench", secret="",
                clock=lambda: datetime.now(UTC),
            )  # fmt: skip
            plan = await client.plan(call)
            outcome = await client.execute(call, key="bench", digest=plan.digest if plan else "")
            if outcome.state != "succeeded":
                raise RuntimeError(f"{outcome.error_code}: {outcome.error}")
