"""A fault with three symptoms: two cards become one, a person splits it, and each ends once.

Also when the bot is killed at any step and started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from bot.simulator import LocalSlack, NotThereError
from tests.helpers.slack_faults import FastClock, SlackHooks
from tests.helpers.waiting import until
from tests.scenarios.starting import StartProcess
from tests.scenarios.traps import ANSWERED, TAKEN, Point, Trap
from tests.scenarios.world import BEN, World

pytestmark = pytest.mark.unmeasured

SERVICES = {
    "shop-web": {"depends_on": ["cart-api"]},
    "cart-api": {"depends_on": ["orders-db"]},
    "orders-db": {},
}
POINTS: list[Point] = [
    ("slack", "nothing: it is not killed", TAKEN),
    ("envelope", "FIRING orders-db", TAKEN),
    ("slack", "chat.postMessage card", TAKEN),
    ("slack", "chat.postMessage card", ANSWERED),
    ("envelope", "FIRING cart-api", TAKEN),
    ("slack", "chat.update card", TAKEN),
    ("slack", "chat.update card", ANSWERED),
    ("envelope", "the split", TAKEN),
    ("slack", "chat.postMessage steered", TAKEN),
    ("slack", "chat.postMessage steered", ANSWERED),
    ("envelope", "RESOLVED shop-web", TAKEN),
    ("envelope", "RESOLVED orders-db", TAKEN),
    ("slack", "chat.postMessage resolved", TAKEN),
    ("slack", "chat.postMessage resolved", ANSWERED),
]


def _name_of(envelope: dict[str, Any]) -> str:
    payload = envelope["payload"]
    if envelope["type"] == "slash_commands":
        return "the split"
    attachments = payload.get("event", {}).get("attachments") or [{}]
    title = str(attachments[0].get("title", ""))
    state = "RESOLVED" if "RESOLVED" in title else "FIRING"
    return next(
        (f"{state} {name}" for name in ("cart-api", "orders-db", "shop-web") if name in title), ""
    )


@pytest.fixture
async def slack(slack_hooks: SlackHooks) -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start(faults=slack_hooks, clock=FastClock()) as running:
        yield running


def parents(world: World) -> list[int | None]:
    return [row["parent_id"] for row in world.rows("SELECT parent_id FROM incidents ORDER BY id")]


async def split(world: World) -> None:
    """Type the command again while it fails because the bot is gone, as a person would."""
    while parents(world) != [None, 1, None]:
        with contextlib.suppress(NotThereError):
            await world.types("/incident split INC-3", "ben")
        await world.slack.wait_for(lambda: world.slack.connections, why="the bot is back")


async def play_cascade(world: World) -> None:
    await world.alert("shop-web", name="HighErrorRate")
    await world.card("INC-1")
    await world.alert("orders-db", name="ConnectionsRefused")
    await world.card("INC-2", number=2)
    await world.alert("cart-api", name="UpstreamTimeouts")
    await world.card("2 children (orders-db, cart-api)")
    await world.card("Child of `INC-1`", number=2)
    await split(world)
    await world.card("1 child (orders-db)")
    await world.card("INC-3", number=3)
    await world.resolves("shop-web", name="HighErrorRate")
    await until(
        lambda: world.rows("SELECT firing FROM incidents WHERE id = 1")[0]["firing"] == 0,
        why="nothing of the root fires",
    )
    await world.resolves("orders-db", name="ConnectionsRefused")
    await world.card("RESOLVED")
    await world.resolves("cart-api", name="UpstreamTimeouts")
    await world.card("RESOLVED", number=3)


@pytest.mark.engines_in_turn
@pytest.mark.parametrize("point", POINTS, ids=lambda point: " ".join(point))
async def test_after_a_kill_at_each_step_of_a_cascade_each_card_is_there_once(
    point: Point, world: World, bot_process: StartProcess
) -> None:
    correlate = {"card_update_seconds": 0}
    services = world.folder / "services.yaml"
    services.write_text(json.dumps({"services": SERVICES}))
    world.write_policy(BEN, propose_from_sop=False, segments={"correlate": correlate})
    trap = Trap(*(() if point[1].startswith("nothing") else (point,)))
    trap.watch_slack(world.slack_hooks, _name_of)
    start = partial(bot_process, SERVICES_FILE=str(services))
    supervisor = asyncio.create_task(trap.keep_running(start))
    await world.slack.wait_for(lambda: world.slack.connections, why="the bot is there")
    await play_cascade(world)
    async with asyncio.timeout(30):
        await supervisor
    await world.quiet()
    cards = [card.text for card in world.cards()]
    assert len(cards) == 3, world.slack.transcript("alerts")
    assert ["INC-1" in cards[0], "Child of `INC-1`" in cards[1], "INC-3" in cards[2]] == [True] * 3
    statuses = world.rows("SELECT status FROM incidents ORDER BY id")
    assert [row["status"] for row in statuses] == ["resolved"] * 3
    assert parents(world) == [None, 1, None]
    resolved = [len(world.replies("resolved", number=number)) for number in (1, 2, 3)]
    assert resolved == [1, 0, 1], world.slack.transcript("alerts")
