"""Half an hour at 200 alerts a second, in simulated time: the growth of the memory.

Bot and local Slack share one process, whose clock advances only when no work is left; see
`tests/helpers/virtual_time.py`. The local Slack forgets closed incidents. There is no floor: the
process is compared with itself after a warm-up of two minutes.
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
MOVING = 8  # temporary tasks and sockets


async def run() -> list[Result]:
    """Run one soak in its own process."""
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
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the soak ended with {process.returncode}")
    return results(dict(json.loads(output)))


def results(report: dict[str, Any]) -> list[Result]:
    """Return the growth, and the values that must not grow at all."""
    none = Bar(0, "alerts")
    lines = (
        Result("storm.soak.lost", abs(report["events"] - report["written"]), "alerts", bar=none),
        Result(
            "storm.soak.tasks",
            report["tasks_after"] - report["tasks_before"],
            "more",
            bar=Bar(MOVING, "more"),
        ),
        Result(
            "storm.soak.descriptors",
            report["descriptors_after"] - report["descriptors_before"],
            "more",
            bar=Bar(MOVING, "more"),
        ),
    )
    kept = ("seed", "events", "incidents", "cards", "rss_before", "rss_after", "cpu_seconds")
    detail = {name: report[name] for name in kept}
    whole = Result("storm.soak", report["growth"], "%", None, Bar(5, "%"), detail, covers=lines)
    return [whole, *lines]
