"""`noise.enrichment`: gathering evidence from six sources, of which two never answer.

The sources are servers on real sockets. The floor is one query to one of them that answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import aiohttp
from aiohttp import web

from benchmarks.results import Bar, Result, percentile
from bot.enrichment.gathering import gather
from bot.enrichment.segment import EvidenceSource

ROUNDS = 20
SECONDS = 0.5  # as the policy's default
MS = 1000.0
VALUES = {"service": "checkout-api"}


@asynccontextmanager
async def served(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    """Serve these answers on a free port of this machine; yields the address."""
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _answer(_request: web.Request) -> web.Response:
    result = [{"metric": {"job": "web"}, "value": [0, "0.078"]}]
    body = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return web.json_response(body)


def _source(name: str, url: str) -> EvidenceSource:
    queries = {f"q{number}": 'up{service="{{service}}"}' for number in range(4)}
    return EvidenceSource(name=name, kind="prometheus", url=url, queries=queries)


@asynccontextmanager
async def four_answer_two_hang(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[list[str]]:
    """Serve six sources, of which the last two never answer; yields their addresses."""
    never = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    async with AsyncExitStack() as parts:
        urls = [
            await parts.enter_async_context(served(handler))
            for handler in (*[answer] * 4, *[hang] * 2)
        ]
        parts.callback(never.set)
        yield urls


async def run() -> list[Result]:
    """Return the 95th percentile of a whole gathering, in milliseconds."""
    async with aiohttp.ClientSession() as session, four_answer_two_hang(_answer) as urls:
        sources = [_source(f"s{number}", url) for number, url in enumerate(urls)]
        single = EvidenceSource(name="single", kind="prometheus", url=urls[0], queries={"q": "up"})
        floor = await _timed(session, [single], facts=1)
        taken = await _timed(session, sources, facts=16)
    bar = Bar(700, "ms")
    return [Result("noise.enrichment", percentile(taken, 0.95), "ms", percentile(floor, 0.95), bar)]


async def _timed(
    session: aiohttp.ClientSession, sources: list[EvidenceSource], *, facts: int
) -> list[float]:
    taken, incomplete = [], []
    for _ in range(ROUNDS):
        now = datetime.now(UTC)
        began = time.perf_counter()
        evidence = await gather(session, sources, VALUES, now, seconds=SECONDS)
        taken.append((time.perf_counter() - began) * MS)
        if len(evidence.facts) != facts:
            incomplete.append(f"{len(evidence.facts)} facts instead of {facts}: {evidence}")
    # The machine itself may stand still for longer than a source may take.
    if len(incomplete) > ROUNDS * 0.05:
        raise AssertionError(f"{len(incomplete)} of {ROUNDS} gatherings: {incomplete[0]}")
    return taken
