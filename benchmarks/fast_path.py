"""`noise.fast_path`: an alert's request sent → its 202, with 10,000 open incidents in the store.

200 requests a second with one alert each come from another process, whether or not the earlier ones
are answered, and each is measured from the moment at which it was due. At the answer the alert is
decided, written and fsynced. A third repeats an open incident's alert, a third is another symptom
of an open incident's service, a third opens an incident. The floor is a bare aiohttp server with
grouped fsynced inserts.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from benchmarks.bare_writer import open_rows
from benchmarks.noise_correlation import alert
from benchmarks.open_incidents import open_many
from benchmarks.results import Bar, Result
from benchmarks.stage import ROOT, bare_settings, child, clean_environment, surroundings
from store import open_store

OPEN = 10_000  # incidents
RATE = 200  # alerts a second
SECONDS = 15
ROUNDS = 2
WAIT = 120.0


async def run() -> list[Result]:
    """Measure the bot and the floor in turn; the quieter round of each counts."""
    bot: list[dict[str, Any]] = []
    bare: list[dict[str, Any]] = []
    for _ in range(ROUNDS):
        bare.append(await _bare())
        bot.append(await _bot())
    best = min(bot, key=lambda report: report["p95_ms"])
    floor = min(bare, key=lambda report: report["p95_ms"])
    rounds = {"rounds_p95_ms": [report["p95_ms"] for report in bot]}
    p50 = Result("noise.fast_path.p50", best["p50_ms"], "ms", floor["p50_ms"])
    p95 = Result(
        "noise.fast_path",
        best["p95_ms"],
        "ms",
        floor["p95_ms"],
        Bar(50, "ms"),
        {**best, **rounds},
        covers=(p50,),
    )
    return [p95, p50]


async def _bot() -> dict[str, Any]:
    async with AsyncExitStack() as parts:
        around = await parts.enter_async_context(surroundings())
        settings = around.settings()
        store = await open_store(settings["STORE_URL"], owner="bench")
        try:
            await open_many(store, alert(0, 1), OPEN, datetime.now(UTC))
        finally:
            await store.close()
        program = await parts.enter_async_context(child(["bot"], settings))
        return await _send(program.url)


async def _bare() -> dict[str, Any]:
    async with AsyncExitStack() as parts:
        around = await parts.enter_async_context(surroundings())
        open_rows(around.folder / "bare.db").close()
        settings = bare_settings(around.slack, "", around.folder)
        program = await parts.enter_async_context(child(["benchmarks.bare_http"], settings))
        return await _send(program.url)


async def _send(url: str) -> dict[str, Any]:
    """Send at the fixed rate from another process; return that process's report."""
    where = urlsplit(url)
    arguments = [where.hostname or "", where.port or 0, RATE, SECONDS]
    sender = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.paced_sender",
        *map(str, arguments),
        env=clean_environment(),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await asyncio.wait_for(sender.communicate(), WAIT)
    report = dict(json.loads(output))
    assert list(report["statuses"]) == ["202"], report
    return report
