"""The loops of the bot do what there is to do, and never run in circles."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from bot.workers import POLL, Workers
from tests.helpers.virtual_time import VirtualTimeLoop


class Work:
    """Pieces of work as a step finds them; the last one again and again when it is `stuck`."""

    def __init__(self, names: Iterable[str], *, stuck: bool = False) -> None:
        self._names = list(names)
        self._stuck = stuck
        self.done: list[tuple[float, str]] = []

    async def step(self) -> str | None:
        if not self._names:
            return None
        name = self._names[0] if self._stuck and len(self._names) == 1 else self._names.pop(0)
        self.done.append((asyncio.get_running_loop().time(), name))
        return name


def after(seconds: float, work: Work) -> list[tuple[float, str]]:
    """What is done in so much virtual time."""

    async def run() -> None:
        workers = Workers()
        workers.start("work", asyncio.Event(), work.step)
        await asyncio.sleep(seconds)
        await workers.stop(1)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(run())
    return work.done


def test_all_there_is_to_do_is_done_without_a_pause() -> None:
    names = [f"advice {number}" for number in range(500)]
    assert after(0.5 * POLL, Work(names)) == [(0, name) for name in names]


def test_a_step_that_finds_again_what_it_has_just_done_rests(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done = after(10 * POLL, Work(["advice 1", "advice 2"], stuck=True))
    assert len(done) <= 2 * 10 + 2, "twice a poll, and not for ever"
    assert "advice 2" in caplog.text, "and it is told what does not change"
