"""A bot killed at any step and started again makes one thread, one restart, the right end.

Nothing in the bot knows of this test. The moment to kill is seen from outside: a call reaches
Slack (before it is taken, or after and before the answer), an envelope goes out, a request
reaches the gateway or the service's health check (before it is handed on, or before its answer).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bot.simulator import LocalSlack, Message, NotThereError
from tests.helpers.slack_faults import FastClock, HttpProxy, SlackHooks
from tests.scenarios.starting import StartProcess
from tests.scenarios.traps import ANSWERED, TAKEN, WORKING, Point, Trap
from tests.scenarios.world import Gateway, World, kind, restart_sop

pytestmark = pytest.mark.unmeasured

POINTS: list[Point] = [
    ("envelope", "the alert goes out", TAKEN),
    ("slack", "chat.postMessage card", TAKEN),
    ("slack", "chat.postMessage card", ANSWERED),
    ("slack", "chat.postMessage advice", TAKEN),
    ("slack", "chat.postMessage advice", ANSWERED),
    ("gateway", "/plan", TAKEN),
    ("gateway", "/plan", ANSWERED),
    ("slack", "chat.postMessage approval", TAKEN),
    ("slack", "chat.postMessage approval", ANSWERED),
    ("envelope", "the press goes out", TAKEN),
    ("person", "the press is acknowledged", ANSWERED),
    ("gateway", "/execute", TAKEN),
    ("gateway", "/execute", WORKING),
    ("gateway", "/execute", ANSWERED),
    ("slack", "chat.update approval", TAKEN),
    ("slack", "chat.update approval", ANSWERED),
    ("slack", "chat.postMessage result", TAKEN),
    ("slack", "chat.postMessage result", ANSWERED),
    ("service", "/health", TAKEN),
    ("service", "/health", ANSWERED),
    ("slack", "chat.update result", TAKEN),
    ("slack", "chat.update result", ANSWERED),
    ("envelope", "the resolve goes out", TAKEN),
    ("slack", "chat.update card", TAKEN),
    ("slack", "chat.update card", ANSWERED),
    ("slack", "chat.postMessage resolved", TAKEN),
    ("slack", "chat.postMessage resolved", ANSWERED),
]


APART = 9  # points between two kills of one run: each kill meets a bot that works again
RUNS = [
    *(pytest.param(POINTS[first::APART], id=f"from {first}") for first in range(APART)),
    *(
        pytest.param([point], id=" ".join(point).replace("/", ""), marks=pytest.mark.chaos)
        for point in POINTS
    ),
]


def stand_in(trap: Trap, slack_hooks: SlackHooks, gateway: HttpProxy, service: HttpProxy) -> None:
    trap.watch_slack(slack_hooks, _name_of)
    trap.watch_proxy("gateway", gateway)
    trap.watch_proxy("service", service)


def verify_behind_the_result(world: World, gateway: Gateway, service: HttpProxy) -> None:
    """Hold the bot's health check until the result is posted, so that its verdict updates it."""
    kills = service.on_request
    assert kills is not None

    async def on_request(request: web.Request) -> bool:
        if any(state == "finished" for _, _, state in gateway.executions()):
            await world.slack.wait_for(lambda: world.replies("result"), why="the result is posted")
        return await kills(request)

    service.on_request = on_request


def _name_of(envelope: dict[str, Any]) -> str:
    payload = envelope["payload"]
    if envelope["type"] == "interactive":
        return "the press goes out"
    attachments = payload.get("event", {}).get("attachments") or [{}]
    title = str(attachments[0].get("title", ""))
    return "the resolve goes out" if "RESOLVED" in title else "the alert goes out"


@pytest.fixture
async def slack(slack_hooks: SlackHooks) -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start(faults=slack_hooks, clock=FastClock()) as running:
        yield running


@pytest.fixture
async def proxies(world: World) -> AsyncIterator[tuple[HttpProxy, HttpProxy]]:
    """In front of the gateway, and in front of the service's health check."""
    async with (
        HttpProxy.before(world.gateway_url) as gateway,
        HttpProxy.before(world.leaky_service.url) as service,
    ):
        world.gateway_url = gateway.url
        world.probe_url = f"{service.url}/health"
        world.write_sops(restart_sop(world.probe_url))
        yield gateway, service


async def press_until_decided(world: World, trap: Trap) -> None:
    """Press again while a press fails because the bot is gone, as a person would."""
    while "Approve" in (card := await world.approval_card()).buttons:
        left = trap.points_left
        with contextlib.suppress(NotThereError):
            if (await world.press(card, "Approve", "ben")).acked:
                trap.kills_at("person", "the press is acknowledged", ANSWERED)
                await world.slack.wait_for(
                    lambda: not world.replies("approval")[0].buttons or trap.points_left < left,  # noqa: B023 - awaited at once
                    why="the card is decided, or the bot is killed",
                )
        await world.slack.wait_for(lambda: world.slack.connections, why="the bot is back")


async def play_incident(world: World, trap: Trap) -> None:
    """Play an incident from the alert to the end, whatever happens to the bot meanwhile."""
    await world.leaky_service.make_unhealthy()
    await world.alert()
    await world.approval_card("Restart checkout-api")
    await world.advice()  # the points stand in this order, though the advice may come last
    await press_until_decided(world, trap)
    await world.result("Verified")
    await world.resolves()
    await world.card("RESOLVED")
    await world.resolved("fixed by: Restart checkout-api")


def everything_once(world: World) -> None:
    """Assert one card, one reply of each kind, and nothing else of ours in the channel."""
    roots = [m for m in world.slack.messages("alerts") if kind(m)]
    card = world.cards()[0]
    shown = Counter(kind(m) for m in roots if m.thread_ts == m.ts)
    assert shown == Counter(card=1), world.slack.transcript("alerts")
    replies: list[Message] = world.slack.thread("alerts", card.ts)
    assert Counter(kind(m) for m in replies) == Counter(
        advice=1, approval=1, result=1, resolved=1
    ), world.slack.transcript("alerts")


async def play_incident_under_kills(
    trap: Trap, world: World, gateway: Gateway, start: StartProcess
) -> None:
    supervisor = asyncio.create_task(trap.keep_running(start))
    await world.slack.wait_for(lambda: world.slack.connections, why="the bot is there")
    await play_incident(world, trap)
    async with asyncio.timeout(30):
        await supervisor
    await world.quiet()

    everything_once(world)
    approval = world.replies("approval")[0]
    assert approval.buttons == []
    assert "verified" in approval.text
    assert world.leaky_service.restarts == 1, world.leaky_service.pids
    assert gateway.executions() == [("service.restart", "checkout-api", "finished")]


@pytest.mark.engines_in_turn
@pytest.mark.parametrize("points", RUNS)
async def test_after_a_kill_at_each_step_there_is_one_thread_and_one_restart(
    points: list[Point],
    world: World,
    gateway: Gateway,
    proxies: tuple[HttpProxy, HttpProxy],
    bot_process: StartProcess,
) -> None:
    trap = Trap(*points)
    stand_in(trap, world.slack_hooks, *proxies)
    if any(what == "chat.update result" for _, what, _ in points):
        verify_behind_the_result(world, gateway, proxies[1])
    await play_incident_under_kills(trap, world, gateway, bot_process)


async def test_a_second_kill_during_the_recovery_changes_nothing(
    world: World, gateway: Gateway, proxies: tuple[HttpProxy, HttpProxy], bot_process: StartProcess
) -> None:
    trap = Trap(
        ("gateway", "/execute", WORKING),
        ("gateway", "/executions", TAKEN),
        ("gateway", "/executions", WORKING),
        ("slack", "chat.postMessage result", ANSWERED),
    )
    stand_in(trap, world.slack_hooks, *proxies)
    await play_incident_under_kills(trap, world, gateway, bot_process)


async def test_a_request_that_arrives_after_its_successor_restarts_nothing_twice(
    world: World, gateway: Gateway, proxies: tuple[HttpProxy, HttpProxy], bot_process: StartProcess
) -> None:
    gateway_proxy, _ = proxies
    trap = Trap(("gateway", "/execute", WORKING))
    stand_in(trap, world.slack_hooks, *proxies)
    kills_at, sent_again = gateway_proxy.on_request, asyncio.Event()
    assert kills_at is not None

    async def on_request(request: web.Request) -> bool:
        goes_on = await kills_at(request)
        if request.path == "/execute":
            if gateway_proxy.count("POST", "/execute") == 1:
                # Held back while the bot dies, starts again, looks it up, and resends it.
                await sent_again.wait()
            sent_again.set()
        return goes_on

    gateway_proxy.on_request = on_request
    await play_incident_under_kills(trap, world, gateway, bot_process)
    assert gateway_proxy.count("POST", "/execute") == 2
