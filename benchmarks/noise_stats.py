"""`noise.stats`: the statistics of a store with a million alerts, and the trace of one of them.

Each is timed through the store's own operations, on both engines. The floor is one COUNT(*) of the
alerts of the same window, which each answer includes.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import datetime, timedelta

from benchmarks import servers
from benchmarks.results import Bar, Result
from benchmarks.servers import postgres
from benchmarks.stage import workspace
from bot.web.trace import trace
from store import open_store
from store.statements import Operation, query, to_db_time
from tests.helpers.many_alerts import fill_with_alerts

ALERTS = 1_000_000
DAYS = 30
ROUNDS = 7
MS = 1000.0


async def run() -> list[Result]:
    """Return a line for each engine and question."""
    results: list[Result] = []
    with ExitStack() as parts:
        folder = parts.enter_context(workspace())
        urls = {"sqlite": f"sqlite:///{folder / 'bot.db'}"}
        if servers.is_there():
            urls["postgresql"] = parts.enter_context(postgres()).database()
        for engine, url in urls.items():
            results += await _measure(engine, url)
    return results


async def _measure(engine: str, url: str) -> list[Result]:
    store = await open_store(url, owner="bench")
    now = store.clock()
    await store.close()
    fill_with_alerts(url, ALERTS, now, DAYS)
    store = await open_store(url, owner="bench")
    while await store.summarise_hour(now):  # as the step does that is due every minute
        pass
    since = now - timedelta(days=DAYS + 1)
    day = now - timedelta(days=1)
    try:
        floor = await _best(lambda: store._engine.read(_count, since))  # noqa: SLF001 - no such method
        questions: dict[str, Callable[[], Awaitable[object]]] = {
            "totals": lambda: store.stats(since),
            "totals_of_a_day": lambda: store.stats(day),
            "types": lambda: store.stats_by_type(since, 100),
            "duplicates": lambda: store.most_repeated(since, 50),
            "incidents": lambda: store.incidents(limit=100),
        }
        bar = Bar(200, "ms")
        results = [
            Result(f"noise.stats.{engine}.{name}", await _best(ask), "ms", floor, bar)
            for name, ask in questions.items()
        ]
        traced = await _best(lambda: trace(store, f"req-{ALERTS // 40}"))
        return [*results, Result(f"noise.stats.{engine}.trace", traced, "ms", None, Bar(10, "ms"))]
    finally:
        await store.close()


def _count(since: datetime) -> Operation[int]:
    rows = yield query("SELECT COUNT(*) AS n FROM alerts WHERE received_at >= ?", to_db_time(since))
    return int(rows[0]["n"])


async def _best(ask: Callable[[], Awaitable[object]]) -> float:
    """Return the milliseconds of the fastest round: other work on the machine only adds to it."""
    taken = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - began) * MS)
    return min(taken[1:])
