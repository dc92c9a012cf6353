"""(d) `python -m bot` spawned → its line "ready": store open, Slack connected, HTTP listening.

The floor is a Python that only imports Bolt and aiohttp.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.results import Bar, Result, percentile
from benchmarks.stage import ROOT, child, clean_environment, surroundings
from bot.simulator import LocalSlack

STARTS = 7
IMPORTS = "import slack_bolt.async_app, aiohttp"


async def run() -> list[Result]:
    """Measure a start on a new store, a start on the same store, and the bare import, in turn."""
    fresh, restarts, bare, memory = [], [], [], []
    async with AsyncExitStack() as parts:
        around = await parts.enter_async_context(surroundings())
        folder, slack = around.folder, around.slack
        for number in range(STARTS + 1):
            settings = around.settings()
            settings["STORE_URL"] = f"sqlite:///{folder / f'{number}.db'}"
            first, mb = await _start(settings, slack)
            second, _ = await _start(settings, slack)
            alone = _bare(folder)
            if number:  # the first one fills the caches
                fresh.append(first)
                restarts.append(second)
                bare.append(alone)
                memory.append(mb)
    detail = {"n": STARTS, "fresh_s": fresh, "again_s": restarts, "bare_s": bare, "rss_mb": memory}
    return [
        Result("spine.start", min(fresh), "s", min(bare), Bar(1.5, "s"), detail),
        Result("spine.start.p50", percentile(fresh, 0.5), "s", percentile(bare, 0.5)),
        Result("spine.start.again", min(restarts), "s", min(bare)),
    ]


async def _start(settings: dict[str, str], slack: LocalSlack) -> tuple[float, float]:
    async with child(["bot"], settings) as bot:
        assert slack.connections >= 1, "one link makes it ready, the others follow"
        return bot.ready_after, bot.peak_rss_mb()


def _bare(folder: Path) -> float:
    environment = {**clean_environment(), "PWD": str(folder)}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True, env=environment, cwd=ROOT)
    return time.perf_counter() - began
