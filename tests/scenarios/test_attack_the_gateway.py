"""The gateway, and the way to it, at their worst; and the bot dying at the worst moments.

Kills at every other step: test_kill_minus_nine_at_each_step.py.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from tests.helpers.slack_faults import HttpProxy
from tests.helpers.waiting import until
from tests.scenarios.attacks import nothing_ran, proposed, ran
from tests.scenarios.starting import StartBot, StartProcess
from tests.scenarios.world import BEN, CHLOE, Gateway, World

pytestmark = pytest.mark.attack("ASI07")


@pytest.fixture
async def front(world: World) -> AsyncIterator[HttpProxy]:
    """In front of the gateway."""
    async with HttpProxy.before(world.gateway_url) as proxy:
        world.gateway_url = proxy.url
        yield proxy


def is_look_up(path: str) -> bool:
    return path.startswith("/executions/")


async def never_answers(request: web.Request) -> bool:
    return request.path != "/execute" and not is_look_up(request.path)


async def test_an_answer_that_comes_late_is_looked_up_and_nothing_is_sent_again(
    world: World, bot: StartBot, gateway: Gateway, front: HttpProxy
) -> None:
    late = asyncio.Event()

    async def held(request: web.Request) -> bool:
        if request.path == "/execute":
            await late.wait()
        return True

    front.on_answer = held
    card = await proposed(world, bot, AI_COMMAND_GATEWAY_TIMEOUT="2")
    await world.press(card, "Approve", "ben")
    await world.result("Verified")  # by the look-up; the answer itself is not there yet
    late.set()
    assert front.count("POST", "/execute") == 1
    assert len(world.replies("result")) == 1
    await ran(world, gateway, 1)


async def test_a_request_that_arrives_after_nothing_ran_was_said_runs_nothing(
    world: World, bot: StartBot, gateway: Gateway, front: HttpProxy
) -> None:
    arrives, held = asyncio.Event(), asyncio.Event()

    async def on_its_way(request: web.Request) -> bool:
        if request.path == "/execute" and not held.is_set():
            held.set()
            await arrives.wait()
        return True

    front.on_request = on_its_way
    card = await proposed(world, bot, AI_COMMAND_GATEWAY_TIMEOUT="2")
    await world.press(card, "Approve", "ben")
    await world.result("never saw the request: nothing ran")
    await world.types("/incident fix INC-1 restart", "ana")
    second = await world.approval_card("awaiting approval", which=2)
    await world.press(second, "Approve", "ben")
    await until(lambda: len(gateway.executions()) == 1, why="the second request ran")
    await world.quiet()
    arrives.set()
    await until(lambda: front.count("POST", "/execute") == 2, why="both requests arrived")
    await ran(world, gateway, 1)


async def test_an_answer_that_never_comes_leaves_it_to_people_and_their_word_is_written_down(
    world: World, bot: StartBot, gateway: Gateway, front: HttpProxy
) -> None:
    async def never(request: web.Request) -> bool:
        return request.path != "/execute" and not is_look_up(request.path)

    front.on_answer = never
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
    assert front.count("POST", "/execute") == 1
    await ran(world, gateway, 1)


async def test_a_request_that_never_arrived_is_said_not_to_have_run_and_the_next_one_may(
    world: World, bot: StartBot, gateway: Gateway, front: HttpProxy
) -> None:
    done = True

    async def swallowed(request: web.Request) -> bool:
        return not done or (request.path != "/execute" and not is_look_up(request.path))

    front.on_request = swallowed
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    card = await world.approval_card("outcome unknown")
    await world.press(card, "It did not run", "ana")
    await world.ephemeral("ana", "Not done: only an approver decides that.")
    await world.press(card, "It did not run", "chloe")
    await world.result("did not run, says @chloe")
    assert (await world.approval_card("It did not run, says @chloe")).buttons == []
    await world.press(card, "Mark done by hand", "ben", stale=True)
    await world.ephemeral("ben", "Not done: what became of it is known by now.")
    await nothing_ran(world, gateway)

    done = False
    await world.types("/incident fix restart", "ana")
    second = await world.approval_card("awaiting approval", which=2)
    await world.press(second, "Approve", "ben")
    await world.result("ran in", which=2)


async def test_who_asked_for_it_does_not_say_what_became_of_it(
    world: World, bot: StartBot, gateway: Gateway, front: HttpProxy
) -> None:
    front.on_answer = never_answers
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


async def test_an_approver_of_the_policy_of_now_says_what_became_of_what_nobody_approved(
    world: World, bot: StartBot, gateway: Gateway, front: HttpProxy
) -> None:
    world.write_policy(auto_approve=["service.restart"])
    front.on_answer = never_answers
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
    world: World, bot: StartBot, gateway: Gateway, front: HttpProxy
) -> None:
    front.twice = {"/execute"}
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    await world.result("Verified")
    assert len(world.replies("result")) == 1
    assert front.count("POST", "/execute") == 1
    await ran(world, gateway, 1)


def _500(_status: int, _body: bytes) -> tuple[int, bytes]:
    return 500, b'{"error": {"code": "internal", "message": "The gateway failed; see its log."}}'


def _null(_status: int, body: bytes) -> tuple[int, bytes]:
    return 200, json.dumps(dict.fromkeys(json.loads(body))).encode()


def _html(_status: int, _body: bytes) -> tuple[int, bytes]:
    return 200, b"<html>a proxy's own page</html>"


@pytest.mark.parametrize("worst", [_500, _null, _html], ids=["500", "null fields", "html"])
async def test_an_answer_that_says_nothing_goes_to_people_and_is_not_sent_again(
    worst: Callable[[int, bytes], tuple[int, bytes]],
    world: World,
    bot: StartBot,
    gateway: Gateway,
    front: HttpProxy,
) -> None:
    def alter(request: web.Request, status: int, body: bytes) -> tuple[int, bytes]:
        bad = request.path == "/execute" or is_look_up(request.path)
        return worst(status, body) if bad else (status, body)

    front.alter = alter
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    shown = await world.approval_card("outcome unknown")
    await world.press(shown, "Check again", "ben")
    await world.ephemeral("ben", "Still unknown")
    assert front.count("POST", "/execute") == 1
    await ran(world, gateway, 1)
    front.alter = None
    await world.press(shown, "Check again", "ben")
    await world.result("Verified")
    await ran(world, gateway, 1)


async def test_null_beside_a_success_is_absent_and_not_an_error(
    world: World, bot: StartBot, gateway: Gateway, front: HttpProxy
) -> None:
    def alter(request: web.Request, status: int, body: bytes) -> tuple[int, bytes]:
        if request.path != "/execute":
            return status, body
        bare = dict.fromkeys(json.loads(body)) | {"overall_status": "COMPLETED_SUCCESS"}
        return status, json.dumps(bare).encode()

    front.alter = alter
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    await world.result("Verified")
    await ran(world, gateway, 1)


async def test_an_answer_about_another_execution_is_not_taken_for_ours(
    world: World, bot: StartBot, gateway: Gateway, front: HttpProxy
) -> None:
    async def drop_answer(request: web.Request) -> bool:
        return request.path != "/execute"

    def alter(request: web.Request, status: int, body: bytes) -> tuple[int, bytes]:
        if not is_look_up(request.path):
            return status, body
        return status, json.dumps(json.loads(body) | {"idempotency_key": "exec-other"}).encode()

    front.on_answer, front.alter = drop_answer, alter
    card = await proposed(world, bot)
    await world.press(card, "Approve", "ben")
    shown = await world.approval_card("outcome unknown")
    await world.press(shown, "Check again", "ben")
    await world.ephemeral("ben", "Still unknown")
    await ran(world, gateway, 1)


async def test_a_plan_for_another_target_is_not_shown(
    world: World, bot: StartBot, gateway: Gateway, front: HttpProxy
) -> None:
    def alter(request: web.Request, status: int, body: bytes) -> tuple[int, bytes]:
        if request.path != "/plan":
            return status, body
        return status, json.dumps(json.loads(body) | {"target": "payments"}).encode()

    front.alter = alter
    await bot()
    await world.alert()
    note = await world.reply("note", "Not proposed: service.restart.")
    assert "plan" in note.text
    await nothing_ran(world, gateway)


async def test_a_restart_between_the_press_and_the_dispatch_runs_it_once(
    world: World, gateway: Gateway, front: HttpProxy, bot_process: StartProcess
) -> None:
    """The yes is written; the process dies before it has asked the gateway for the plan again."""
    first = await bot_process(fork=True)
    await world.alert()
    card = await world.approval_card("awaiting approval")
    planned = front.count("POST", "/plan")
    died = asyncio.Event()

    async def on_request(request: web.Request) -> bool:
        if request.path == "/plan" and front.count("POST", "/plan") > planned and not died.is_set():
            first.kill()
            died.set()
            return False
        return True

    front.on_request = on_request
    await until(lambda: world.leaky_service.pids, why="the service is up")
    press = asyncio.create_task(world.slack.as_user("ben").press(card, "Approve"))
    async with asyncio.timeout(30):
        await died.wait()
    await first.ended()
    assert front.count("POST", "/execute") == 0
    await bot_process(fork=True, ready=False)
    await world.result("Verified")
    press.cancel()
    assert front.count("POST", "/execute") == 1
    await ran(world, gateway, 1)


async def test_a_kill_minus_nine_between_dispatch_and_answer_runs_it_once(
    world: World, gateway: Gateway, front: HttpProxy, bot_process: StartProcess
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

    front.on_answer = on_answer
    await until(lambda: world.leaky_service.pids, why="the service is up")
    press = asyncio.create_task(world.slack.as_user("ben").press(card, "Approve"))
    async with asyncio.timeout(30):
        await died.wait()
    await first.ended()
    await bot_process(fork=True, ready=False)
    await world.result("Verified")
    press.cancel()
    assert front.count("POST", "/execute") == 1
    await ran(world, gateway, 1)


async def test_the_request_tells_the_gateway_of_the_incident_in_the_signed_body(
    world: World, bot: StartBot, gateway: Gateway, front: HttpProxy
) -> None:
    seen: list[tuple[str, str, bytes]] = []

    async def listen(request: web.Request) -> bool:
        seen.append((request.path, request.headers["X-Tracking-Id"], await request.read()))
        return True

    front.on_request = listen
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
