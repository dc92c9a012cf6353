"""The gateway or the network fails, or the bot is killed, at the worst moments.

Kills at every other step: test_kill_minus_nine_at_each_step.py.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from tests.helpers.slack_faults import HttpProxy
from tests.helpers.waiting import until
from tests.scenarios.attacks import nothing_ran, proposed, ran
from tests.scenarios.gateway_answers import is_look_up, never_answers
from tests.scenarios.starting import StartBot, StartProcess
from tests.scenarios.world import BEN, CHLOE, Gateway, World

pytestmark = pytest.mark.attack("ASI07")


async def test_a_late_answer_is_looked_up_and_the_request_is_not_sent_again(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    late = asyncio.Event()

    async def held(request: web.Request) -> bool:
        if request.path == "/execute":
            await late.wait()
        return True

    gateway_proxy.on_answer = held
    card = await proposed(world, bot, AI_COMMAND_GATEWAY_TIMEOUT="2")
    await world.press(card, "Approve", "ben")
    await world.result("Verified")  # by the look-up; the answer itself is not there yet
    late.set()
    assert gateway_proxy.count("POST", "/execute") == 1
    assert len(world.replies("result")) == 1
    await ran(world, gateway, 1)


async def test_a_request_that_arrives_after_it_was_declared_not_run_runs_nothing(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    arrives, held = asyncio.Event(), asyncio.Event()

    async def on_its_way(request: web.Request) -> bool:
        if request.path == "/execute" and not held.is_set():
            held.set()
            await arrives.wait()
        return True

    gateway_proxy.on_request = on_its_way
    card = await proposed(world, bot, AI_COMMAND_GATEWAY_TIMEOUT="2")
    await world.press(card, "Approve", "ben")
    await world.result("never saw the request: nothing ran")
    await world.types("/incident fix INC-1 restart", "ana")
    second = await world.approval_card("awaiting approval", which=2)
    await world.press(second, "Approve", "ben")
    await until(lambda: len(gateway.executions()) == 1, why="the second request ran")
    await world.quiet()
    arrives.set()
    await until(lambda: gateway_proxy.count("POST", "/execute") == 2, why="both requests arrived")
    await ran(world, gateway, 1)


async def test_a_person_settles_an_outcome_that_was_never_answered_and_it_is_recorded(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    async def never(request: web.Request) -> bool:
        return request.path != "/execute" and not is_look_up(request.path)

    gateway_proxy.on_answer = never
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    card = await world.approval_card("outcome unknown")
    assert card.buttons == ["Check again", "Mark done by hand", "It did not run"]

    await world.types("/incident fix restart", "ana")
    second = await world.approval_card("awaiting approval", which=2)
    assert "the outcome of another action on checkout-api is unknown" in second.text
    assert "Approve" not in second.buttons

    await world.press(card, "Mark done by hand", "ana")
    await world.ephemeral("ana", "Not done: only an approver decides that.")
    await world.press(card, "Mark done by hand", "chloe")
    await world.result("marked done by hand by @chloe")
    await world.result("Verified")
    assert gateway_proxy.count("POST", "/execute") == 1
    await ran(world, gateway, 1)


async def test_a_request_that_never_arrived_is_marked_as_not_run_and_the_next_one_may_run(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    done = True

    async def swallowed(request: web.Request) -> bool:
        return not done or (request.path != "/execute" and not is_look_up(request.path))

    gateway_proxy.on_request = swallowed
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    card = await world.approval_card("outcome unknown")
    await world.press(card, "It did not run", "ana")
    await world.ephemeral("ana", "Not done: only an approver decides that.")
    await world.press(card, "It did not run", "chloe")
    await world.result("did not run, says @chloe")
    over = await world.approval_card("It did not run, says @chloe")
    assert over.buttons == []
    await world.press(card, "Mark done by hand", "ben", stale=True)
    await world.ephemeral("ben", "Not done: what became of it is known by now.")
    await nothing_ran(world, gateway)

    done = False
    await world.types("/incident fix restart", "ana")
    second = await world.approval_card("awaiting approval", which=2)
    await world.press(second, "Approve", "ben")
    await world.result("ran in", which=2)


async def test_the_requester_cannot_settle_an_unknown_outcome(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    gateway_proxy.on_answer = never_answers
    world.write_sops()
    await bot()
    await world.alert()
    await world.card()
    await world.types("/incident fix restart", "ben")
    await world.press(await world.approval_card("awaiting"), "Approve", "chloe")
    card = await world.approval_card("outcome unknown")
    await world.press(card, "Mark done by hand", "ben")
    await world.ephemeral("ben", "Not done: you asked for this")
    await world.press(card, "Mark done by hand", "chloe")
    await world.result("marked done by hand by @chloe")
    refusals = world.rows("SELECT actor FROM audit WHERE kind = 'refused'")
    assert [row["actor"] for row in refusals] == [BEN]


async def test_an_approver_of_the_current_policy_settles_the_outcome_of_an_automatic_action(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    world.write_policy(auto_approve=["service.restart"])
    gateway_proxy.on_answer = never_answers
    await until(lambda: world.leaky_service.pids, why="the service is up")
    running = await bot()
    await world.alert()
    card = await world.approval_card("outcome unknown")
    await world.press(card, "Mark done by hand", "ben")
    await world.ephemeral("ben", "Not done: only an approver decides that.")
    world.write_policy(CHLOE, rules=[{"actions": ["service.stop"], "approvers": [BEN]}])
    running.reload()
    await world.press(card, "Mark done by hand", "ben")
    await world.result("marked done by hand by @ben")
    await ran(world, gateway, 1)


async def test_an_answer_that_comes_twice_is_one_result(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    gateway_proxy.twice = {"/execute"}
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    await world.result("Verified")
    assert len(world.replies("result")) == 1
    assert gateway_proxy.count("POST", "/execute") == 1
    await ran(world, gateway, 1)


async def test_a_restart_between_the_press_and_the_dispatch_runs_it_once(
    world: World, gateway: Gateway, gateway_proxy: HttpProxy, bot_process: StartProcess
) -> None:
    """The approval is stored; the process dies before it asks the gateway for the plan again."""
    first = await bot_process(fork=True)
    await world.alert()
    card = await world.approval_card("awaiting approval")
    planned = gateway_proxy.count("POST", "/plan")
    died = asyncio.Event()

    async def on_request(request: web.Request) -> bool:
        if (
            request.path == "/plan"
            and gateway_proxy.count("POST", "/plan") > planned
            and not died.is_set()
        ):
            first.kill()
            died.set()
            return False
        return True

    gateway_proxy.on_request = on_request
    await until(lambda: world.leaky_service.pids, why="the service is up")
    press = asyncio.create_task(world.slack.as_user("ben").press(card, "Approve"))
    async with asyncio.timeout(30):
        await died.wait()
    await first.ended()
    assert gateway_proxy.count("POST", "/execute") == 0
    await bot_process(fork=True, ready=False)
    await world.result("Verified")
    press.cancel()
    assert gateway_proxy.count("POST", "/execute") == 1
    await ran(world, gateway, 1)


async def test_a_kill_minus_nine_between_dispatch_and_answer_runs_it_once(
    world: World, gateway: Gateway, gateway_proxy: HttpProxy, bot_process: StartProcess
) -> None:
    first = await bot_process(fork=True)
    await world.alert()
    card = await world.approval_card("awaiting approval")
    died = asyncio.Event()

    async def on_answer(request: web.Request) -> bool:
        if request.path == "/execute":
            first.kill()
            died.set()
            return False
        return True

    gateway_proxy.on_answer = on_answer
    await until(lambda: world.leaky_service.pids, why="the service is up")
    press = asyncio.create_task(world.slack.as_user("ben").press(card, "Approve"))
    async with asyncio.timeout(30):
        await died.wait()
    await first.ended()
    await bot_process(fork=True, ready=False)
    await world.result("Verified")
    press.cancel()
    assert gateway_proxy.count("POST", "/execute") == 1
    await ran(world, gateway, 1)


async def test_the_request_tells_the_gateway_of_the_incident_in_the_signed_body(
    world: World, bot: StartBot, gateway: Gateway, gateway_proxy: HttpProxy
) -> None:
    seen: list[tuple[str, str, bytes]] = []

    async def listen(request: web.Request) -> bool:
        seen.append((request.path, request.headers["X-Tracking-Id"], await request.read()))
        return True

    gateway_proxy.on_request = listen
    card = await proposed(world, bot)
    await world.press(card, "Approve")
    await world.result("Verified")
    [(_, tracking_id, body)] = [item for item in seen if item[0] == "/execute"]
    action_request = json.loads(body)["action_request"]
    assert action_request["priority"] == "URGENT"
    for line in ("Service: checkout-api", "Severity: critical", "History: 0 similar incidents"):
        assert line in action_request["context"]
    assert tracking_id in action_request["context"].splitlines()[0]
    [incident_card] = world.cards()
    assert tracking_id in incident_card.text
    await ran(world, gateway, 1)
