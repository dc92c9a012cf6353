"""(e) AdvisorCommand.ask less the bare command, run the plain asyncio way, in turn."""

from __future__ import annotations

import asyncio
import time

from benchmarks.results import Bar, Result, percentile
from bot.advice.command import AdvisorCommand

ROUNDS = 60
WARM_UP = 5
ARGV = ("cat",)  # answers with its prompt, so what is left is what we add
PROMPT = "What is wrong with checkout-api?\n" * 100


async def run() -> list[Result]:
    """One and the other, in turn."""
    command = AdvisorCommand(ARGV, timeout=10, max_retries=0)
    asked, bare = [], []
    for number in range(ROUNDS + WARM_UP):
        began = time.perf_counter()
        answer = await command.ask(PROMPT)
        middle = time.perf_counter()
        said = await _bare()
        ended = time.perf_counter()
        assert answer.text
        assert said
        if number >= WARM_UP:
            asked.append(middle - began)
            bare.append(ended - middle)
    overhead = [(one - other) * 1000 for one, other in zip(asked, bare, strict=True)]
    floor = percentile(bare, 0.5) * 1000
    detail = {
        "n": ROUNDS,
        "ask_p50_ms": percentile(asked, 0.5) * 1000,
        "ask_p95_ms": percentile(asked, 0.95) * 1000,
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
    said, _ = await process.communicate(PROMPT.encode())
    return said
