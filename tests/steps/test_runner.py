"""The runner of steps does what there is to do, and never runs in circles."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import cast

import pytest

from bot.steps.runner import StepRunner
from bot.steps.step import Step
from bot.steps.table import POLL
from store import Store
from store.topics import Topic
from tests.helpers.virtual_time import VirtualTime, VirtualTimeLoop, scheduler_goes_by

ENOUGH = 1_000  # pieces of work: more than any test here has to do


class Work:
    """Pieces of work as a step finds them; the last one again and again when it is `repeats`."""

    def __init__(self, names: Iterable[str], *, repeats: bool = False) -> None:
        self._names = list(names)
        self._repeats = repeats
        self.done: list[tuple[float, str]] = []

    async def step(self) -> str | None:
        if not self._names:
            return None
        name = self._names[0] if self._repeats and len(self._names) == 1 else self._names.pop(0)
        assert len(self.done) < ENOUGH, "the runner never rests"
        self.done.append((asyncio.get_running_loop().time(), name))
        return name


class Signals:
    """The one thing that a runner without shared steps asks of the store."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()

    def signal(self, topic: Topic) -> asyncio.Event:
        return self.wake


def runner_of(*steps: Step) -> StepRunner:
    return StepRunner(steps, cast("Store", Signals()), lambda: datetime.now(UTC))


def after(seconds: float, work: Work) -> list[tuple[float, str]]:
    """Return the work that is done in so much virtual time."""

    async def run() -> None:
        with scheduler_goes_by(VirtualTime.of_this_loop().wall):
            runner = runner_of(Step("work", work.step, Topic.ADVICE, POLL))
            runner.start()
            runner.start_clock()
            await asyncio.sleep(seconds)
            runner.stop_clock()
            await runner.stop(1)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(run())
    return work.done


def test_all_there_is_to_do_is_done_without_a_pause() -> None:
    names = [f"advice {number}" for number in range(500)]
    assert after(0.5 * POLL, Work(names)) == [(0, name) for name in names]


def test_a_step_that_finds_again_what_it_has_just_done_rests(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done = after(10 * POLL, Work(["advice 1", "advice 2"], repeats=True))
    assert len(done) <= 2 * 10 + 2, "twice a poll, and not for ever"
    assert "advice 2" in caplog.text, "and it is told what does not change"
