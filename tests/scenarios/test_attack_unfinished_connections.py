"""Callers that never finish what they began, at the bot's door and at the gateway's."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.app import Bot
from tests.scenarios.conftest import StartBot
from tests.scenarios.world import World

pytestmark = [pytest.mark.attack("ASI08"), pytest.mark.timeout(240), pytest.mark.one_engine]

FLOOD = Path(__file__).parents[1] / "serving" / "flood.py"
SECONDS = 60  # of the long form


@asynccontextmanager
async def flood(url: str, count: int, kind: str) -> AsyncIterator[None]:
    """So many unfinished connections, each opened again when it is closed, in another process."""
    address = urlsplit(url)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(FLOOD),
        str(address.hostname),
        str(address.port),
        str(count),
        kind,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert (await process.stdout.readline()).strip() == b"ready"
        yield
    finally:
        await process.communicate(b"")


async def answers(http: aiohttp.ClientSession, url: str) -> None:
    """A caller of now gets its answer, over a connection of its own."""
    async with http.get(url, headers={"Connection": "close"}) as answer:
        assert answer.status == 200


def links(bot: Bot) -> int:
    value = bot.metrics.registry.get_sample_value("sopbot_slack_sockets")
    assert value is not None
    return int(value)


@pytest.mark.parametrize("kind", ["head", "body", "silent"])
async def test_hundreds_of_unfinished_requests_stop_neither_health_nor_slack(
    bot: StartBot, world: World, http: aiohttp.ClientSession, kind: str
) -> None:
    running = await bot(HTTP_MAX_CONNECTIONS="100")
    linked = links(running)
    async with flood(running.http_url, 400, kind), flood(world.gateway_url, 400, kind):
        for _ in range(10):
            await answers(http, f"{running.http_url}/healthz")
            await answers(http, f"{world.gateway_url}/health")
        await world.alert()
        await world.card()
        assert links(running) == linked


@pytest.mark.chaos
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["head", "body"])
async def test_ten_thousand_unfinished_requests_for_a_minute(
    bot: StartBot, world: World, http: aiohttp.ClientSession, kind: str
) -> None:
    running = await bot()
    linked = links(running)
    loop = asyncio.get_running_loop()
    async with flood(running.http_url, 10_000, kind):
        ends = loop.time() + SECONDS
        while loop.time() < ends:
            await answers(http, f"{running.http_url}/healthz")
            assert links(running) == linked
        await world.alert()
        await world.card()
    async with flood(world.gateway_url, 10_000, kind):
        ends = loop.time() + SECONDS
        while loop.time() < ends:
            await answers(http, f"{world.gateway_url}/health")
