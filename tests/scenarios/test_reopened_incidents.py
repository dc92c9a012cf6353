"""An incident that fires again is reopened once, also when the bot is killed at any step of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.simulator import LocalSlack
from tests.helpers.slack_faults import FastClock, SlackHooks
from tests.scenarios.starting import StartProcess
from tests.scenarios.traps import ANSWERED, TAKEN, Point, Trap
from tests.scenarios.world import ANA, BEN, World

pytestmark = pytest.mark.unmeasured

POINTS: list[Point] = [
    ("slack", "nothing: it is not killed", TAKEN),
    ("envelope", "the second firing", TAKEN),
    ("slack", "chat.postMessage news", TAKEN),
    ("slack", "chat.postMessage news", ANSWERED),
]


@pytest.fixture
async def slack(slack_hooks: SlackHooks) -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start(faults=slack_hooks, clock=FastClock()) as running:
        yield running


def _name_of(envelope: dict[str, Any]) -> str:
    attachments = envelope["payload"].get("event", {}).get("attachments") or [{}]
    return "the second firing" if "high" in str(attachments[0].get("title", "")) else ""


@pytest.mark.engines_in_turn
@pytest.mark.parametrize("point", POINTS, ids=lambda point: " ".join(point))
async def test_after_a_kill_at_each_step_an_incident_is_reopened_once(
    point: Point, world: World, bot_process: StartProcess
) -> None:
    world.write_policy(
        BEN, propose_from_sop=False, segments={"correlate": {"card_update_seconds": 0}}
    )
    trap = Trap(*(() if point[1].startswith("nothing") else (point,)))
    trap.watch_slack(world.slack_hooks, _name_of)
    supervisor = asyncio.create_task(trap.keep_running(bot_process))
    await world.slack.wait_for(lambda: world.slack.connections, why="the bot is there")
    await world.alert()
    await world.press(await world.card("CRITICAL"), "Acknowledge", "ana")
    await world.card("acknowledged by @ana")
    await world.resolves()
    await world.resolved()
    await world.alert(severity="high")
    news = await world.reply("news", "INC-1 fires again")
    assert f"<@{ANA}>" in news["text"], "a notification shows the fallback text"
    card = await world.card("INC-1 fires again")
    assert "acknowledged by" not in card.text
    async with asyncio.timeout(30):
        await supervisor
    await world.quiet()
    assert len(world.cards()) == 1, world.slack.transcript("alerts")
    assert len(world.replies("news")) == 1, world.slack.transcript("alerts")
    (incident,) = world.rows("SELECT status, firing, alert_count FROM incidents")
    assert (incident["status"], incident["firing"], incident["alert_count"]) == ("open", 1, 2)
    kinds = [row["kind"] for row in world.rows("SELECT kind FROM timeline ORDER BY id")]
    assert kinds.count("reopened") == 1
