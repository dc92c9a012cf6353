"""`python -m tests.scenarios.burst.soak SECONDS SEED`: many simulated minutes, one JSON line.

A process of its own, so that what it holds is the bot's and the local Slack's alone; and the local
Slack forgets what is over, so that what it holds does not grow.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bot.simulator import Channel, RateLimits
from tests.helpers.virtual_time import VirtualTimeLoop
from tests.scenarios.burst.lab import MEGABYTE, Lab, descriptors, event, kind, rss

RATE = 200  # events a second
TICK = 0.1  # seconds between two handfuls of them
CHANNELS, GROUPS = 4, 200
RESOLVES = 0.001  # of the events: an incident then ends, and the next alert opens another
SAMPLE = 10.0  # seconds between two looks at the memory
KEPT = 120.0  # seconds for which the local Slack remembers what is over


@dataclass(frozen=True)
class Soaked:
    """The result of a soak. Memory is in MB, before and after; `growth` in percent."""

    seed: int
    seconds: float
    events: int
    written: int
    given_up: int
    incidents: int
    cards: int
    rss_before: float
    rss_after: float
    growth: float
    tasks_before: int
    tasks_after: int
    descriptors_before: int
    descriptors_after: int
    samples: list[tuple[float, float]]
    cpu_seconds: float


def channel(group: int) -> str:
    return f"C0SOAK{group % CHANNELS:04}"


class Pouring:
    """Alerts of 200 services, again and again."""

    def __init__(self, lab: Lab, seed: int) -> None:
        self.sent = 0
        self._lab = lab
        self._dice = random.Random(seed)

    async def pour(self, seconds: float) -> None:
        """Send them for so many simulated seconds."""
        end = self._lab.elapsed() + seconds
        while self._lab.elapsed() < end:
            for _ in range(round(RATE * TICK)):
                self._send_one()
            await asyncio.sleep(TICK)

    def _send_one(self) -> None:
        group = self._dice.randrange(GROUPS)
        severity = ("critical", "warning", "info")[group % 3]
        status = "RESOLVED" if self._dice.random() < RESOLVES else "FIRING"
        ts = self._lab.slack.core.workspace.next_ts()
        result = event(channel(group), ts, f"svc-{group:03}", "HighErrorRate", severity, status)
        self._lab.slack.send_event(result)
        self.sent += 1


def forget(lab: Lab) -> int:
    """Delete old finished messages from the local Slack; returns the number of cards."""
    core, cards = lab.slack.core, 0
    old = lab.time.now() - KEPT
    for number in range(CHANNELS):
        where = core.workspace.channel(channel(number))
        for ts, message in list(where.messages.items()):
            if float(ts) > old:
                break
            result = lab.slack.seen(where.id, message)
            is_card = kind(result) == "card"
            if is_card and "RESOLVED" not in result.text:
                continue
            cards += is_card
            del where.messages[ts]
            where.timeline.pop(ts, None)
            where.threads.pop(ts, None)
    core.posts.clear()
    core.limited.clear()
    lab.slack._seen.clear()
    return cards


async def every(seconds: float, act: Callable[[], Any]) -> None:
    while True:
        await asyncio.sleep(seconds)
        act()


async def soak(folder: Path, seconds: float, warm_up: float, seed: int) -> Soaked:
    """Warm up, then soak; both in simulated seconds."""
    began = time.process_time()
    async with Lab.open(folder, seed=seed, limits=RateLimits(), record_calls=False) as lab:
        members = set(lab.slack.core.workspace.channel("alerts").members)
        names = [channel(number) for number in range(CHANNELS)]
        for name in names:
            lab.slack.add_channel(Channel(name, name.lower(), members))
        await lab.start(SLACK_ALERT_CHANNELS=",".join(names))
        pouring = Pouring(lab, seed)
        samples: list[tuple[float, float]] = []
        cards = [0]

        def sample() -> None:
            cards[0] += forget(lab)
            samples.append((round(lab.elapsed(), 1), rss() / MEGABYTE))

        sampling = asyncio.create_task(every(SAMPLE, sample))
        await pouring.pour(warm_up)
        tasks, files, first = len(asyncio.all_tasks()), descriptors(), len(samples)
        await pouring.pour(seconds)
        tasks_after, files_after = len(asyncio.all_tasks()), descriptors()
        sampling.cancel()
        links = lab.slack.core.links
        async with asyncio.timeout(600):
            while links.unacknowledged():  # noqa: ASYNC110 - its listener is the local Slack's
                await asyncio.sleep(1)
        measured = [mb for _, mb in samples[max(first - 1, 0) :]]
        few = max(1, min(6, len(measured) // 3))
        before, after = median(measured[:few]), median(measured[-few:])
        return Soaked(
            seed=seed,
            seconds=seconds,
            events=pouring.sent,
            written=lab.count("alerts"),
            given_up=len(links.undelivered),
            incidents=lab.count("incidents"),
            cards=cards[0] + sum(len(lab.cards(name)) for name in names),
            rss_before=round(before, 2),
            rss_after=round(after, 2),
            growth=round((after / before - 1) * 100, 2),
            tasks_before=tasks,
            tasks_after=tasks_after,
            descriptors_before=files,
            descriptors_after=files_after,
            samples=[(at, round(mb, 2)) for at, mb in samples],
            cpu_seconds=round(time.process_time() - began, 1),
        )


def main(seconds: float, warm_up: float, seed: int) -> Soaked:
    """Soak in a folder that is gone afterwards."""
    logging.getLogger().setLevel(logging.ERROR)  # each 429 is a warning
    with (
        tempfile.TemporaryDirectory(prefix="soak-") as folder,
        asyncio.Runner(loop_factory=VirtualTimeLoop) as runner,
    ):
        return runner.run(soak(Path(folder), seconds, warm_up, seed))


if __name__ == "__main__":
    done = main(float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps(asdict(done)))
