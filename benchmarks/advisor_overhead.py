"""(e) AdvisorChain.ask minus the bare command, run with plain asyncio, in turn."""

from __future__ import annotations

import asyncio
import time

from benchmarks.results import Bar, Result, percentile
from bot.advice.chain import AdvisorChain, ChainLimits
from bot.advice.kinds.command import CommandAdvisor
from bot.advice.member import Member

ROUNDS = 60
WARM_UP = 5
ARGV = ("cat",)  # answers with its prompt, so the rest is our overhead
PROMPT = "What is wrong with checkout-api?\n" * 100


async def run() -> list[Result]:
    """Measure both in turn."""
    command = AdvisorChain([Member(CommandAdvisor(ARGV), max_retries=0)], ChainLimits(timeout=10))
    durations, bare = [], []
    for number in range(ROUNDS + WARM_UP):
        began = time.perf_counter()
        answer = await command.ask(PROMPT)
        middle = time.perf_counter()
        output = await _bare()
        ended = time.perf_counter()
        assert answer.text
        assert output
        if number >= WARM_UP:
            durations.append(middle - began)
            bare.append(ended - middle)
    overhead = [
        (with_advisor - other) * 1000 for with_advisor, other in zip(durations, bare, strict=True)
    ]
    floor = percentile(bare, 0.5) * 1000
    detail = {
        "n": ROUNDS,
        "ask_p50_ms": percentile(durations, 0.5) * 1000,
        "ask_p95_ms": percentile(durations, 0.95) * 1000,
        "bare_p50_ms": floor,
    }
    name = "spine.advisor_overhead"
    return [
        Result(name, percentile(overhead, 0.5), "ms", floor, Bar(30, "ms"), detail),
        Result(f"{name}.p95", percentile(overhead, 0.95), "ms", floor),
    ]


async def _bare() -> bytes:
    process = await asyncio.create_subprocess_exec(
        *ARGV,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate(PROMPT.encode())
    return output
