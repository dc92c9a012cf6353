"""The gateway's list is read beside everything else that the bot does."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from bot.configuration import LiveConfiguration
from bot.errors import GatewayUnavailable
from bot.remediation.contract import ActionInfo, ActionList
from bot.remediation.gateways import Gateways, NamedGateway
from bot.response import gateway_offers
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


class Empty:
    async def gateway_offers(self, _gateway: str) -> str:
        return ""

    async def keep_gateway_offers(self, *_: object) -> None: ...


class Listing:
    async def offers(self) -> ActionList:
        return ActionList(actions=(ActionInfo(id="cache.warm", title="Warm the cache"),))


async def test_a_list_whose_reading_was_cancelled_is_read_at_the_next_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, begun, released = gateway_offers._read, asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slowly(body: str) -> object:
        if body:
            loop.call_soon_threadsafe(begun.set)
            released.wait()
        return read(body)

    monkeypatch.setattr(gateway_offers, "_read", slowly)
    config = LiveConfiguration()
    parts = SimpleNamespace(
        gateways=Gateways([NamedGateway(Listing())]),  # type: ignore[arg-type]
        store=Empty(),
        config=config,
        clock=lambda: datetime.now(UTC),
    )
    offers = GatewayOffers(parts)  # type: ignore[arg-type]
    first = asyncio.create_task(offers.refresh())
    await begun.wait()
    first.cancel()
    released.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert "cache.warm" not in config.actions
    await offers.refresh()
    assert "cache.warm" in config.actions
