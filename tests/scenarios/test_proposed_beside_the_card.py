"""The approval card waits neither for the advisor nor for another service's plan."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from aiohttp import web

from tests.helpers.clocks import RunningClock
from tests.helpers.slack_faults import HttpProxy
from tests.helpers.waiting import until
from tests.scenarios.attacks import RESTARTED, nothing_ran
from tests.scenarios.starting import StartBot
from tests.scenarios.world import BEN, SERVICE, Gateway, World, restart_sop

pytestmark = pytest.mark.one_engine


def hanging_advisor(folder: Path) -> str:
    """A command that never answers."""
    program = folder / "hangs.py"
    program.write_text("import time\ntime.sleep(3600)\n")
    return json.dumps([sys.executable, str(program)])


async def test_an_advisor_that_hangs_holds_up_neither_the_card_nor_the_restart(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await until(lambda: world.leaky_service.pids, why="the service is up")
    await bot(ADVISOR_COMMAND=hanging_advisor(world.folder))
    await world.alert()
    card = await world.approval_card("awaiting approval")
    assert world.replies("advice") == []
    await world.press(card, "Approve", "ben")
    await world.result("Verified")
    assert world.replies("advice") == []
    assert gateway.executions() == [RESTARTED]


async def test_a_gateway_that_plans_one_service_slowly_holds_up_neither_advice_nor_others(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    billing = restart_sop(world.probe_url, sop_id="sop_billing", keys=["svc:billing"])
    billing["actions"][0]["parameters"]["target"] = SERVICE
    world.write_sops(restart_sop(world.probe_url), billing)
    async with HttpProxy.before(world.gateway_url) as gateway_proxy:
        world.gateway_url = gateway_proxy.url
        first, go = asyncio.Event(), asyncio.Event()

        async def hold_the_first(request: web.Request) -> bool:
            if request.path == "/plan" and not first.is_set():
                first.set()
                await go.wait()
            return True

        gateway_proxy.on_request = hold_the_first
        await bot()
        await world.alert()
        async with asyncio.timeout(10):
            await first.wait()
        await world.advice()
        assert world.replies("approval") == []
        await world.alert("billing")
        await until(lambda: world.rows("SELECT 1 FROM approvals"), why="the other's is proposed")
        (row,) = world.rows("SELECT incident_id FROM approvals")
        assert row["incident_id"] == 2
        go.set()
        await until(lambda: len(world.rows("SELECT 1 FROM approvals")) == 2, why="both are")
    await nothing_ran(world, gateway)


async def test_an_action_that_could_not_be_planned_is_proposed_later_and_announced_once(
    world: World, bot: StartBot, gateway: Gateway, clock: RunningClock
) -> None:
    async with HttpProxy.before(world.gateway_url) as gateway_proxy:
        world.gateway_url = gateway_proxy.url
        away = True

        async def drop(request: web.Request) -> bool:
            return not (away and request.path == "/plan")

        gateway_proxy.on_request = drop
        await bot()
        await world.alert()
        note = await world.reply("note", "Not proposed: service.restart.")
        assert "It is proposed as soon as the gateway can plan it." in note.text
        for _ in range(3):
            result = gateway_proxy.count("POST", "/plan")
            clock.forward(60)
            await until(
                lambda result=result: gateway_proxy.count("POST", "/plan") > result,
                why="it is asked",
            )
        assert len(world.replies("note")) == 1
        away = False
        clock.forward(60)
        await world.approval_card("awaiting approval")
    await nothing_ran(world, gateway)


async def test_a_changed_policy_proposes_again_what_it_ended(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    running = await bot()
    await world.alert()
    await world.approval_card("awaiting approval")
    await (await world.types("/incident fix stop checkout-api", "ana")).response()
    await world.approval_card("Stop checkout-api", which=2)
    world.write_policy(BEN, "U0CHLOE001", approvals_required=2)
    running.reload()
    await running.service.decisions.expire_and_revoke()
    for place in (1, 2):
        revoked = await world.approval_card("revoked", which=place)
        assert "the policy was edited and its requirements have changed" in revoked.text
    await until(lambda: len(world.replies("approval")) == 4, why="both are proposed again")
    await until(
        lambda: all("Needs 2 approvals:" in m.text for m in world.replies("approval")[2:]),
        why="two have to approve",
    )
    assert any("asked by @ana" in m.text for m in world.replies("approval")[2:])
    await nothing_ran(world, gateway)
