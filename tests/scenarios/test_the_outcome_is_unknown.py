"""A request without an answer has an unknown outcome, is looked up, and is never resent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.helpers.slack_faults import HttpProxy
from tests.scenarios.starting import StartBot
from tests.scenarios.world import Gateway, World


class Line:
    """A proxy before the gateway: it drops the answer, and every lookup until `repaired`."""

    def __init__(self) -> None:
        self.repaired = False

    async def on_request(self, request: web.Request) -> bool:
        return self.repaired or not request.path.startswith("/executions/")

    async def on_answer(self, request: web.Request) -> bool:
        return request.path != "/execute"


@pytest.fixture
async def gateway_line(world: World) -> AsyncIterator[tuple[HttpProxy, Line]]:
    line = Line()
    async with HttpProxy.before(world.gateway_url) as proxy:
        proxy.on_request, proxy.on_answer = line.on_request, line.on_answer
        world.gateway_url = proxy.url
        yield proxy, line


async def test_an_outcome_without_an_answer_is_unknown_and_can_be_checked_again(
    world: World, bot: StartBot, gateway: Gateway, gateway_line: tuple[HttpProxy, Line]
) -> None:
    proxy, line = gateway_line
    await bot()
    await world.alert()
    await world.press(await world.approval_card(), "Approve", "ben")
    result = await world.result("outcome unknown")
    assert "after the request was sent. Outcome unknown." in result.text
    card = await world.approval_card("outcome unknown")
    buttons = ["Check again", "Mark done by hand", "It did not run"]
    assert card.buttons == buttons, "neither Approve nor Reject"

    assert (await world.press(card, "Check again", "ana")).acked
    await world.ephemeral("ana", "Still unknown: the gateway has no answer yet.")

    line.repaired = True
    await world.press(card, "Check again", "ana")
    await world.result("Verified")
    assert (await world.approval_card("verified")).buttons == []
    assert len(world.replies("result")) == 1
    assert proxy.count("POST", "/execute") == 1, "it was sent once"
    assert world.leaky_service.restarts == 1
    assert gateway.executions() == [("service.restart", "checkout-api", "finished")]


async def test_an_unknown_outcome_is_looked_up_automatically(
    world: World, bot: StartBot, gateway_line: tuple[HttpProxy, Line]
) -> None:
    proxy, line = gateway_line
    line.repaired = True
    await bot()
    await world.alert()
    await world.press(await world.approval_card(), "Approve", "ben")
    await world.result("outcome unknown")
    await world.result("Verified")
    assert proxy.count("POST", "/execute") == 1
    assert world.leaky_service.restarts == 1
