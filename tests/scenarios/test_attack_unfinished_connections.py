"""Callers that never finish what they began, at the bot's door and at the gateway's."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bot.app import Bot
from tests.scenarios.conftest import StartBot
from tests.scenarios.world import World
from tests.serving.flood import KINDS, flooding

pytestmark = [pytest.mark.attack("ASI08"), pytest.mark.timeout(240), pytest.mark.one_engine]

SECONDS = 60  # of the long form


async def answers(http: aiohttp.ClientSession, url: str) -> None:
    """A caller of now gets its answer, over a connection of its own."""
    async with http.get(url, headers={"Connection": "close"}) as answer:
        assert answer.status == 200


async def answered(http: aiohttp.ClientSession, url: str) -> int:
    """How many callers were answered, one after the other, while the time of the long form ran."""
    loop, count = asyncio.get_running_loop(), 0
    ends = loop.time() + SECONDS
    while loop.time() < ends:
        await answers(http, url)
        count += 1
    return count


def links(bot: Bot, world: World) -> tuple[int, int]:
    """The Slack links that are up, and how many were asked for since the start."""
    up = bot.metrics.registry.get_sample_value("sopbot_slack_sockets")
    assert up is not None
    return int(up), len(world.slack.calls_of("apps.connections.open"))


@pytest.mark.parametrize("kind", KINDS)
async def test_hundreds_of_unfinished_requests_stop_neither_health_nor_slack(
    bot: StartBot, world: World, http: aiohttp.ClientSession, kind: str
) -> None:
    running = await bot(HTTP_MAX_CONNECTIONS="100")
    linked = links(running, world)
    async with flooding(running.http_url, 400, kind), flooding(world.gateway_url, 400, kind):
        for _ in range(10):
            await answers(http, f"{running.http_url}/healthz")
            await answers(http, f"{world.gateway_url}/health")
        await world.alert()
        await world.card()
        assert links(running, world) == linked


@pytest.mark.chaos
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["head", "body"])
async def test_ten_thousand_unfinished_requests_for_a_minute(
    bot: StartBot, world: World, http: aiohttp.ClientSession, kind: str
) -> None:
    running = await bot()
    linked = links(running, world)
    async with flooding(running.http_url, 10_000, kind):
        assert await answered(http, f"{running.http_url}/healthz") >= SECONDS
        assert links(running, world) == linked
        await world.alert()
        await world.card()
    async with flooding(world.gateway_url, 10_000, kind):
        assert await answered(http, f"{world.gateway_url}/health") >= SECONDS
