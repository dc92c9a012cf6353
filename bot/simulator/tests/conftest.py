"""A local Slack for each test, and a real Bolt app on its other end."""

import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import hypothesis
import pytest
from playwright.async_api import Page, async_playwright, expect
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from ..clock import ManualClock
from ..local import LocalSlack

CHROMIUM = "/usr/bin/chromium"
INSTALLED = Path(CHROMIUM).exists()
ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SEED = 20261127  # of the draw of links: each run puts the same envelopes on the same links

expect.set_options(timeout=30_000)

# A busy machine breaks hypothesis' deadline and its health check of slow generation.
hypothesis.settings.register_profile(
    "local_slack", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("local_slack")


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start() as running:
        yield running


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def timed(clock: ManualClock) -> AsyncIterator[LocalSlack]:
    """A local Slack whose time only moves when the test says so, and whose draw repeats."""
    async with LocalSlack.start(clock=clock, seed=SEED) as running:
        yield running


@pytest.fixture
def client(slack: LocalSlack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


@pytest.fixture
def app(slack: LocalSlack) -> AsyncApp:
    """A real Bolt app; give it listeners, then call `connected`."""
    quiet = logging.getLogger(f"{__name__}.bolt")
    quiet.setLevel(logging.ERROR)
    web = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    return AsyncApp(client=web, logger=quiet)


@pytest.fixture
async def connected(
    slack: LocalSlack, app: AsyncApp
) -> AsyncIterator[Callable[[], Awaitable[AsyncSocketModeHandler]]]:
    async with contextlib.AsyncExitStack() as stack:

        async def connect() -> AsyncSocketModeHandler:
            handler = AsyncSocketModeHandler(app, slack.app_token)
            stack.push_async_callback(handler.close_async)
            await handler.connect_async()
            await slack.wait_for(lambda: slack.connections, why="the app connects")
            return handler

        yield connect


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def page(slack: LocalSlack) -> AsyncIterator[Page]:
    if not INSTALLED:
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail(f"{CHROMIUM} is missing and REQUIRE_SERVICES=1")
        pytest.skip(f"{CHROMIUM} is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        context = await browser.new_context(viewport={"width": 1280, "height": 800})
        page = await context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console", lambda value: problems.append(value.text) if value.type == "error" else None
        )
        yield page
        await browser.close()
        assert problems == []
