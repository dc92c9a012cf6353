"""After hours of alerts the numbers of bytes, tasks and descriptors are what they were."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

from tests.helpers.bot_processes import REPOSITORY, child_environment
from tests.helpers.seeds import SEED
from tests.scenarios.burst.soak import CHANNELS

GROWTH = 5.0  # percent
MOVING = CHANNELS + 4  # tasks and sockets that come and go: of channels, and a job that is at it

LENGTHS = [
    pytest.param(15, 20, id="short"),
    pytest.param(1_800, 120, id="long", marks=[pytest.mark.chaos, pytest.mark.timeout(3_600)]),
]


async def soaked(seconds: float, warm_up: float) -> dict[str, Any]:
    """Run the soak in a process of its own; returns its figures."""
    # Not counted for coverage: that would be memory and time of its own.
    environment = {k: v for k, v in child_environment({}).items() if not k.startswith("COV")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.scenarios.burst.soak",
        *map(str, (seconds, warm_up, SEED)),
        cwd=REPOSITORY,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return dict(json.loads(output))


@pytest.mark.parametrize(("seconds", "warm_up"), LENGTHS)
async def test_two_hundred_alerts_a_second_leave_no_trace_in_memory(
    seconds: float, warm_up: float
) -> None:
    result = await soaked(seconds, warm_up)
    assert result["written"] == result["events"], "none is lost, and none is written twice"
    assert not result["given_up"]
    assert result["growth"] <= GROWTH, result["samples"]
    assert result["tasks_after"] <= result["tasks_before"] + MOVING
    assert result["descriptors_after"] <= result["descriptors_before"] + MOVING
