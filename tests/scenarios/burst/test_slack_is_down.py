"""Slack is down for minutes in the middle of a burst; alerts go on by HTTP."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.app import Bot
from bot.simulator import RateLimits
from tests.helpers.seeds import SEED
from tests.helpers.waiting import until
from tests.scenarios.burst.lab import MEGABYTE, SEVERITIES, Lab, rank_of, rss, webhook_alert

BEFORE = 20  # incidents by Slack, a second before it goes
GROWTH = 20 * MEGABYTE  # bytes


@dataclass(frozen=True)
class Size:
    """Simulated seconds without Slack; how many groups alert meanwhile, and how often each."""

    seconds: int
    groups: int
    repeats: int


SIZES = [
    pytest.param(Size(300, 15, 20), id="short"),
    pytest.param(Size(600, 200, 100), id="long", marks=pytest.mark.chaos),
]


@asynccontextmanager
async def refusing(lab: Lab) -> AsyncIterator[None]:
    """Nothing listens where Slack was."""
    await lab.slack.go_away()
    yield
    await lab.slack.come_back()


@asynccontextmanager
async def silent(lab: Lab) -> AsyncIterator[None]:
    """Slack takes every connection and answers none, and its sockets are dead."""
    back = asyncio.Event()

    async def hang(_method: str, _args: dict[str, Any]) -> web.StreamResponse | None:
        await back.wait()
        return web.Response(status=503)

    dead = lab.slack.script.half_open_sockets(times=None)
    lab.slack.half_open()
    lab.slack_hooks.on_call = hang
    yield
    lab.slack_hooks.on_call = None
    lab.slack.script.cancel(dead)
    lab.slack.drop_connections()
    back.set()


async def alerts_by_http(lab: Lab, bot: Bot, size: Size, dice: random.Random) -> None:
    """Post all alerts within that time, in random order, evenly spread."""
    groups = [group for group in range(size.groups) for _ in range(size.repeats)]
    dice.shuffle(groups)
    alerts = [
        webhook_alert(f"web-{group:03}", SEVERITIES[group % 4], f"instance-{number}")
        for number, group in enumerate(groups)
    ]
    batches = size.seconds  # one a second
    for number in range(batches):
        if batch := alerts[len(alerts) * number // batches : len(alerts) * (number + 1) // batches]:
            await lab.webhook(bot, batch)
        await asyncio.sleep(size.seconds / batches)  # the rate of the alerts, in virtual time


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("down", [refusing, silent])
async def test_memory_stays_flat_and_afterwards_all_is_posted_most_severe_first(
    tmp_path: Path, down: Callable[[Lab], Any], size: Size
) -> None:
    dice = random.Random(SEED)
    async with Lab.open(tmp_path, seed=SEED, limits=RateLimits()) as lab:
        bot = await lab.start()
        for number in range(BEFORE):
            await lab.alert(f"svc-{number:03}", severity=dice.choice(SEVERITIES))
        await asyncio.sleep(1)
        before = rss()
        async with down(lab):
            await alerts_by_http(lab, bot, size, dice)
            grown = rss() - before
            print(f"{grown / MEGABYTE:.1f} MB more after {size.seconds} s without Slack")
            assert lab.count("incidents") == BEFORE + size.groups, "it works on without Slack"
        back = lab.time.now()
        incidents = BEFORE + size.groups
        # One post a second: a card, its advice, and the news that nobody acknowledged it.
        await until(
            lambda: len(lab.cards()) == incidents, 60 + 3 * incidents, "a card for each", every=1
        )
        for sender in ("svc-", "web-"):  # one that alerts for too much yields to the other
            cards = [card for at, card in lab.posted("card") if at >= back]
            ranks = [rank_of(card) for card in cards if sender in str(card)]
            assert ranks == sorted(ranks), f"the most severe first among {sender}*"
        assert lab.incidents() == (incidents, BEFORE + size.groups * size.repeats)
        await lab.wait_until_done(60 + 4 * incidents)
        assert lab.repeated() == []
        assert grown <= GROWTH, f"{grown / MEGABYTE:.1f} MB more"


async def test_the_bot_reconnects_soon_after_slack_is_back(tmp_path: Path) -> None:
    async with Lab.open(tmp_path, seed=SEED) as lab:
        await lab.start()
        async with refusing(lab):
            await asyncio.sleep(600)
        await until(lambda: lab.slack.connections, 30, "a socket is open again")
        await lab.alert()
        await until(lab.cards, 5, "the card of what came by it")
