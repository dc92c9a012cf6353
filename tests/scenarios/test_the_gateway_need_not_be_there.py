"""A gateway that is down or degraded at the start, and AI_COMMAND_GATEWAY_REQUIRED."""

from __future__ import annotations

import pytest

from bot.errors import GatewayUnavailable
from tests.helpers.slack_faults import HttpProxy
from tests.scenarios.starting import StartBot, StartProcess
from tests.scenarios.world import ALERTS, Gateway, World, kind

pytestmark = pytest.mark.one_engine


async def test_a_degraded_gateway_does_not_stop_the_start(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    async with HttpProxy.before(world.gateway_url) as gateway_proxy:
        gateway_proxy.alter = lambda request, status, body: (
            (status, body.replace(b'"healthy"', b'"degraded"'))
            if request.path == "/health"
            else (status, body)
        )
        started = await bot(AI_COMMAND_GATEWAY_URL=gateway_proxy.url)
        assert started.health.report()["gateway"]["state"] == "ok"


async def test_an_unhealthy_gateway_stops_the_start_unless_it_is_optional(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    async with HttpProxy.before(world.gateway_url) as gateway_proxy:
        gateway_proxy.alter = lambda request, status, body: (
            503,
            body.replace(b"healthy", b"unhealthy"),
        )
        with pytest.raises(GatewayUnavailable):
            await bot(AI_COMMAND_GATEWAY_URL=gateway_proxy.url)
        started = await bot(
            AI_COMMAND_GATEWAY_URL=gateway_proxy.url, AI_COMMAND_GATEWAY_REQUIRED="false"
        )
        assert started.health.report()["gateway"]["state"] == "failing"
        assert started.health.ready, "it takes alerts in"


async def test_without_its_gateway_the_bot_accepts_alerts_and_says_that_nothing_can_run(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    async with HttpProxy.before(world.gateway_url) as gateway_proxy:
        gateway_proxy.alter = lambda request, status, body: (503, b"{}")
        started = await bot(
            AI_COMMAND_GATEWAY_URL=gateway_proxy.url, AI_COMMAND_GATEWAY_REQUIRED="false"
        )
        await world.alert()
        card = await world.card("checkout-api")
        assert "Nothing can run: the gateway has not answered since" in card.text

        def notices() -> list[str]:
            return [m.text for m in world.slack.messages(ALERTS) if kind(m) == "gateway"]

        await world.slack.wait_for(
            lambda: any("Nothing can run since" in text for text in notices()),
            why="the notice in the ops channel",
        )
        gateway_proxy.alter = lambda request, status, body: (status, body)
        await started.health.check("gateway")
        await world.slack.wait_for(
            lambda: ["The gateway answers again" in text for text in notices()] == [True],
            why="the same message says that it is back",
        )
        assert started.health.report()["gateway"]["state"] == "ok"


async def test_the_next_process_ends_its_predecessors_warning_about_the_gateway(
    world: World, bot_process: StartProcess, gateway: Gateway
) -> None:
    def says(text: str) -> bool:
        return [text in m.text for m in world.slack.messages(ALERTS) if kind(m) == "gateway"] == [
            True
        ]

    async with HttpProxy.before(world.gateway_url) as gateway_proxy:
        gateway_proxy.alter = lambda request, status, body: (503, b"{}")
        settings = {
            "AI_COMMAND_GATEWAY_URL": gateway_proxy.url,
            "AI_COMMAND_GATEWAY_REQUIRED": "false",
        }
        first = await bot_process(fork=True, **settings)
        await world.slack.wait_for(lambda: says("Nothing can run since"), why="it says so")
        first.kill()
        await first.ended()
        gateway_proxy.alter = lambda request, status, body: (status, body)
        await bot_process(fork=True, **settings)
        await world.slack.wait_for(lambda: says("answers again"), why="the message is taken back")
