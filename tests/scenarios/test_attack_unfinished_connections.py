"""Callers that never finish a request, at the HTTP endpoints of the bot and of the gateway."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.app import Bot
from bot.gateway.app import running
from bot.gateway.config import read_config
from tests.helpers.connection_floods import KINDS, flooding
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot, gateway_config
from tests.scenarios.world import LeakyService, World
from tests.serving.conftest import UNFINISHED_HEAD, enforced, everything

pytestmark = [pytest.mark.attack("ASI08"), pytest.mark.one_engine]

SECONDS = 60  # of the long form


async def answers(http: aiohttp.ClientSession, url: str) -> None:
    """Assert that a new caller gets its answer, over a connection of its own."""
    async with http.get(url, headers={"Connection": "close"}) as answer:
        assert answer.status == 200


async def answered(http: aiohttp.ClientSession, url: str) -> int:
    """Count the callers that were answered, one after the other, within SECONDS."""
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


async def both_links(bot: Bot, world: World) -> tuple[int, int]:
    """Wait for the second link, which a bot opens after it is ready."""
    await until(lambda: links(bot, world) == (2, 2), why="both links to Slack are up")
    return (2, 2)


@pytest.mark.parametrize("kind", KINDS)
async def test_hundreds_of_unfinished_requests_block_neither_health_checks_nor_slack(
    bot: StartBot, world: World, http: aiohttp.ClientSession, kind: str
) -> None:
    running = await bot(HTTP_MAX_CONNECTIONS="100")
    linked = await both_links(running, world)
    async with flooding(running.http_url, 400, kind), flooding(world.gateway_url, 400, kind):
        for _ in range(10):
            await answers(http, f"{running.http_url}/healthz")
            await answers(http, f"{world.gateway_url}/health")
        await world.alert()
        await world.card()
        assert links(running, world) == linked


@pytest.fixture
async def small_gateway(leaky_service: LeakyService, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a gateway that serves 16 connections at the same time."""
    config = gateway_config(leaky_service, tmp_path / "small") | {
        "sources": {},
        "limits": {"connections": 16},
    }
    async with running(read_config(config), environ={"PATH": os.environ["PATH"]}) as started:
        yield started.url


async def test_bot_and_gateway_serve_only_as_many_connections_as_their_settings_say(
    bot: StartBot, small_gateway: str
) -> None:
    running_bot = await bot(HTTP_MAX_CONNECTIONS="16")
    for url in (f"{running_bot.http_url}/healthz", f"{small_gateway}/health"):
        async with AsyncExitStack() as stack:
            kept = [await kept_alive(stack, url) for _ in range(17)]
            async with enforced(f"the cap on connections of {url}"):
                assert await everything(kept[0]) == b"", "the longest idle one is closed"


async def kept_alive(stack: AsyncExitStack, url: str) -> asyncio.StreamReader:
    """A connection that was answered once and stays open."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    stack.callback(writer.close)
    writer.write(f"GET {at.path} HTTP/1.1\r\nHost: {at.netloc}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    length = next(line for line in head.lower().split(b"\r\n") if b"content-length" in line)
    await reader.readexactly(int(length.partition(b":")[2]))
    return reader


async def test_bot_and_gateway_refuse_a_head_that_does_not_end(bot: StartBot, world: World) -> None:
    running_bot = await bot()
    for url in (running_bot.http_url, world.gateway_url):
        at = urlsplit(url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        writer.write(UNFINISHED_HEAD + b"\r\nX-More: ".join([b"a" * 1_000] * 40))
        async with enforced(f"the limit of a head's bytes of {url}"):
            assert (await everything(reader)).startswith(b"HTTP/1.1 431 ")
        writer.close()


@pytest.mark.chaos
@pytest.mark.parametrize("kind", ["head", "body"])
async def test_ten_thousand_unfinished_requests_for_a_minute(
    bot: StartBot, world: World, http: aiohttp.ClientSession, kind: str
) -> None:
    running = await bot()
    linked = await both_links(running, world)
    async with flooding(running.http_url, 10_000, kind):
        assert await answered(http, f"{running.http_url}/healthz") >= SECONDS
        assert links(running, world) == linked
        await world.alert()
        await world.card()
    async with flooding(world.gateway_url, 10_000, kind):
        assert await answered(http, f"{world.gateway_url}/health") >= SECONDS
