"""Half an hour at 200 alerts a second, in simulated time: what the memory does meanwhile.

Bot and local Slack share one process, whose clock goes on only when nothing is left to do; see
`tests/helpers/virtual_time.py`. The local Slack forgets what is over. There is no floor: the
process is measured against itself, a warm-up of two minutes later.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from benchmarks.results import Bar, Result
from benchmarks.stage import ROOT, clean_environment

SECONDS, WARM_UP = 1_800, 120  # simulated
SEED = 20261125
MOVING = 8  # tasks and sockets that come and go


async def run() -> list[Result]:
    """One soak, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.scenarios.burst.soak",
        *map(str, (SECONDS, WARM_UP, SEED)),
        env=clean_environment(),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the soak ended with {process.returncode}")
    return results(dict(json.loads(said)))


def results(told: dict[str, Any]) -> list[Result]:
    """Growth, and what must not grow at all."""
    lost = Bar(0, "alerts")
    lines = (
        Result("storm.soak.lost", abs(told["events"] - told["written"]), "alerts", bar=lost),
        Result(
            "storm.soak.tasks",
            told["tasks_after"] - told["tasks_before"],
            "more",
            bar=Bar(MOVING, "more"),
        ),
        Result(
            "storm.soak.descriptors",
            told["descriptors_after"] - told["descriptors_before"],
            "more",
            bar=Bar(MOVING, "more"),
        ),
    )
    kept = ("seed", "events", "incidents", "cards", "rss_before", "rss_after", "cpu_seconds")
    detail = {name: told[name] for name in kept}
    whole = Result("storm.soak", told["growth"], "%", None, Bar(5, "%"), detail, covers=lines)
    return [whole, *lines]
