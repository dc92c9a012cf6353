"""`advice.overhead`: the bot's own share of one question, for each kind of advisor.

Processor time of this process, which does not depend on the load of the machine. The stand-in of a
server runs in this process too, so a bare request to it is subtracted.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.results import Bar, Result, percentile
from bot.advice.chain import AdvisorChain, ChainLimits
from bot.advice.member import Member
from tests.advice.model_servers import MODEL, ModelServer
from tests.advice.stand_ins import EVERY, HTTP, started
from tests.helpers.http_servers import served

ROUNDS = 60
WARM_UP = 5
MS = 1000.0
PROMPT = "What is wrong with checkout-api?\n" * 100
PATHS = {"ollama": "/api/chat", "openai": "/v1/chat/completions"}


async def run() -> list[Result]:
    """Return a line for each kind."""
    return [await _overhead_of(kind) for kind in EVERY]


async def _overhead_of(kind: str) -> Result:
    with tempfile.TemporaryDirectory() as name:
        async with started(kind, "answer", Path(name)) as advisor:
            chain = AdvisorChain([Member(advisor, max_retries=0)], ChainLimits(timeout=60))
            durations = await _measured(lambda: chain.ask(PROMPT))
    floor = await _bare(kind) if kind in HTTP else 0.0
    value = max(0.0, percentile(durations, 0.5) * MS - floor)
    detail = {"n": ROUNDS, "p95_ms": percentile(durations, 0.95) * MS, "bare_ms": floor}
    return Result(f"advice.overhead.{kind}", value, "ms", floor or None, Bar(30, "ms"), detail)


async def _bare(kind: str) -> float:
    server = ModelServer()
    body = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}]}
    handler = server.ollama if kind == "ollama" else server.openai
    async with served(handler) as url, aiohttp.ClientSession() as session:

        async def ask() -> None:
            async with session.post(url + PATHS[kind], json=body) as answer:
                await answer.read()

        return percentile(await _measured(ask), 0.5) * MS


async def _measured(ask: Callable[[], Awaitable[Any]]) -> list[float]:
    durations = []
    for number in range(ROUNDS + WARM_UP):
        began = time.process_time()
        await ask()
        if number >= WARM_UP:
            durations.append(time.process_time() - began)
    return durations
