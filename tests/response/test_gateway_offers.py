"""The gateway's list is read beside everything else that the bot does."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from bot.configuration import LiveConfiguration
from bot.errors import GatewayUnavailable
from bot.remediation.contract import ActionInfo, ActionList
from bot.remediation.gateways import Gateways, NamedGateway
from bot.response.gateway_offers import GatewayOffers


class Stored:
    async def gateway_offers(self, _gateway: str) -> str:
        actions = (ActionInfo(id="cache.warm", title="Warm the cache"),)
        return ActionList(actions=actions).model_dump_json()


class Away:
    async def offers(self) -> None:
        raise GatewayUnavailable("The gateway cannot be reached.")


@pytest.mark.attack("ASI08")
async def test_the_bot_goes_on_while_it_reads_a_long_list_of_a_gateway() -> None:
    config = LiveConfiguration()
    parts = SimpleNamespace(
        gateways=Gateways([NamedGateway(Away())]), store=Stored(), config=config, clock=None
    )
    elsewhere = asyncio.create_task(asyncio.sleep(0))
    await GatewayOffers(parts).start()  # type: ignore[arg-type]
    assert elsewhere.done(), "nothing else could run meanwhile"
    assert "cache.warm" in config.actions
