"""docs/simulator.md names what a test or a person can do to the local Slack."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from bot.simulator import clock
from bot.simulator.chaos import Chaos
from bot.simulator.outages import Outages
from bot.simulator.rates import RateLimits
from bot.simulator.script import Script

DOC = (Path(__file__).parents[2] / "docs/simulator.md").read_text(encoding="utf-8")
PLANS = ("fail", "limit", "http", "slow", "lose_", "refuse_", "half_", "cut_")
NAMES = {
    *(name for name in inspect.signature(Chaos).parameters if name != "seed"),
    *inspect.signature(RateLimits).parameters,
    *(name for name in vars(Script) if name.startswith(PLANS) and name != "half_open"),
    *(name for name in vars(Outages) if not name.startswith("_")),
    *(name for name in vars(clock) if name.endswith("Clock")),
}


@pytest.mark.parametrize("name", sorted(NAMES - {"Clock", "posts_per_second"}))
def test_what_can_be_done_to_the_local_slack_is_in_its_docs(name: str) -> None:
    assert name in DOC, f"name {name} in docs/simulator.md"
