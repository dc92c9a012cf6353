"""A real sender: Debian's Alertmanager with its own Slack notifier, and its webhook."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.helpers.waiting import until
from tests.scenarios.real_alertmanager import PROGRAM, Alertmanager, running_alertmanager
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, World

pytestmark = [pytest.mark.services(PROGRAM), pytest.mark.one_engine]

Start = Callable[[dict[str, Any]], Awaitable[Alertmanager]]


@pytest.fixture
async def alertmanager(
    tmp_path: Path, free_port: Callable[[], int], http: aiohttp.ClientSession
) -> AsyncIterator[Start]:
    """Start the real binary with one receiver."""
    async with AsyncExitStack() as stack:

        async def start(receiver: dict[str, Any]) -> Alertmanager:
            running = running_alertmanager(tmp_path, free_port(), http, receiver)
            return await stack.enter_async_context(running)

        yield start


async def test_its_slack_notifier_opens_a_thread_and_its_resolve_closes_the_same_one(
    world: World, bot: StartBot, alertmanager: Start
) -> None:
    await bot()
    hook = world.slack.webhook_url(ALERTS)
    sender = await alertmanager(
        {"slack_configs": [{"api_url": hook, "channel": "#alerts", "send_resolved": True}]}
    )
    await sender.fire()
    card = await world.card("CRITICAL · HealthCheckFailing")
    assert "checkout-api" in card.text
    assert "sop_checkout_down" in card.text, "the service is read out of the title"
    assert "INC-1" in card.text
    await world.advice("From the SOP")

    await sender.resolve()
    closed = await world.card("RESOLVED")
    assert closed.ts == card.ts
    await world.resolved("INC-1 resolved: the alert cleared")
    await world.quiet()
    assert len(world.cards()) == 1
    posted = [m for m in world.slack.messages(ALERTS) if m.data.get("username") == "Alertmanager"]
    assert ["FIRING" in m.text for m in posted] == [True, False], "both are Alertmanager's own"


async def test_its_webhook_opens_a_thread_and_its_resolve_closes_the_same_one(
    world: World, bot: StartBot, alertmanager: Start
) -> None:
    running = await bot(HTTP_TOKEN="a token of the tests")
    slack_hooks = f"{running.http_url}/alerts/alertmanager"
    bearer = {"authorization": {"type": "Bearer", "credentials": "a token of the tests"}}
    sender = await alertmanager(
        {"webhook_configs": [{"url": slack_hooks, "send_resolved": True, "http_config": bearer}]}
    )
    await sender.fire()
    await sender.fire(instance="10.0.0.7:9090")
    card = await world.card("2 alerts grouped")
    assert "CRITICAL" in card.text
    assert "does not answer its health check" in card.text
    assert "sop_checkout_down" in card.text

    await sender.resolve()
    await until(
        lambda: world.rows("SELECT firing FROM incidents")[0]["firing"] == 1,
        why="the first of the two is resolved",
    )
    assert "RESOLVED" not in (await world.card()).text, "one of the two still fires"
    await sender.resolve(instance="10.0.0.7:9090")
    closed = await world.card("RESOLVED")
    assert closed.ts == card.ts
    await world.quiet()
    assert len(world.cards()) == 1
