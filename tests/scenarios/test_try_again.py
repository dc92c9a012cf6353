"""A press retries a request that provably did not run, and the export proves both attempts."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from bot.gateway.app import RunningGateway, running
from bot.gateway.config import read_config
from tests.helpers.slack_faults import HttpProxy
from tests.helpers.waiting import until
from tests.scenarios.attacks import proposed, ran
from tests.scenarios.audit_commands import export_and_verify
from tests.scenarios.starting import StartBot, gateway_config
from tests.scenarios.world import (
    BEN,
    CHLOE,
    SECRET,
    SERVICE,
    Gateway,
    LeakyService,
    World,
    stop_sop,
)


@asynccontextmanager
async def gateway_of(world: World, service: LeakyService) -> AsyncIterator[RunningGateway]:
    """Start another gateway, with a service of its own; each has the journal of the one before."""
    config = read_config(
        gateway_config(service, world.folder / "restarted"),
        environ={"GATEWAY_SECRET": SECRET},
    )
    async with running(config, environ={"PATH": os.environ["PATH"]}) as started:
        yield started


@asynccontextmanager
async def unplannable(world: World) -> AsyncIterator[asyncio.Event]:
    """A proxy before the gateway that refuses plans while the event is set."""
    async with HttpProxy.before(world.gateway_url) as gateway_proxy:
        world.gateway_url, away = gateway_proxy.url, asyncio.Event()

        async def drop(request: web.Request) -> bool:
            return not (away.is_set() and request.path == "/plan")

        gateway_proxy.on_request = drop
        yield away


async def the_export_is_proved(world: World) -> None:
    code, output = await export_and_verify(world)
    assert code == 0, output


def decisions(world: World) -> list[Any]:
    rows = world.rows("SELECT kind FROM audit WHERE incident_id = 1 ORDER BY seq")
    return [row["kind"] for row in rows]


async def test_a_request_that_could_not_be_sent_is_retried_by_a_press_and_runs_once(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    async with unplannable(world) as away:
        card = await proposed(world, bot)
        away.set()
        await world.press(card, "Approve", "ben")
        result = await world.result("It did not run. Its approval holds until")
        away.clear()
        await world.press(result, "Try again", "ana")
        done = await world.result("Verified")
        assert "Try again" not in done.buttons
    await ran(world, gateway, 1)
    await the_export_is_proved(world)


async def test_an_undo_that_could_not_be_sent_is_retried_by_a_press_and_exported(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy(BEN, CHLOE, verify_deadline_seconds=5)
    world.write_sops(stop_sop())
    async with unplannable(world) as away:
        await bot()
        await world.alert()
        await world.press(await world.approval_card("Stop checkout-api"), "Approve", "ben")
        await world.press(await world.result("Not verified"), "Undo", "ben")
        card = await world.approval_card("Undo Stop checkout-api", which=2)
        away.set()
        await world.press(card, "Approve", "chloe")
        result = await world.result("It did not run. Its approval holds until", which=2)
        away.clear()
        await world.press(result, "Try again", "ana")
        await world.result("Undone.")
    await world.quiet()
    assert gateway.executions() == [
        ("service.stop", SERVICE, "finished"),
        ("service.start", SERVICE, "finished"),
    ]
    await the_export_is_proved(world)


async def test_a_request_refused_by_a_stopping_gateway_is_retried_by_a_press_and_exported(
    world: World, bot: StartBot, free_port: Callable[[], int]
) -> None:
    service = LeakyService(free_port(), world.folder / "starts of another")
    async with HttpProxy.before(world.gateway_url) as gateway_proxy:
        world.gateway_url = gateway_proxy.url
        async with gateway_of(world, service) as stopping:
            gateway_proxy.target = stopping.url
            card = await proposed(world, bot)
            await stopping.dispatcher.drain(5)
            await world.press(card, "Approve", "ben")
            result = await world.result("It did not run. Its approval holds until")
        assert "503: The gateway is stopping. Nothing was run." in result.text
        (first,) = world.rows("SELECT state FROM executions")
        assert first["state"] == "failed"
        async with gateway_of(world, service) as started:
            gateway_proxy.target = started.url
            await until(lambda: len(service.pids) == 2, why="the service is up again")
            await world.press(result, "Try again", "ana")
            await world.result("Verified")
            await world.quiet()
            assert gateway_proxy.count("POST", "/execute") == 2
            journal = Gateway(started.url, world.folder / "restarted")
            assert [state for _, _, state in journal.executions()] == ["finished"]
    await the_export_is_proved(world)
    parts = json.loads((world.folder / "bundle.json").read_text(encoding="utf-8"))["parts"]
    assert parts["approvals"][0]["execution"]["state"] == "verified"
    assert decisions(world).count("request") == 2
