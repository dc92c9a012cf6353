"""An advice's Propose button proposes in each episode of its incident, and once in each."""

from __future__ import annotations

import pytest

from tests.helpers.answering_advisor import ANSWER, advisor
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import Gateway, World

pytestmark = pytest.mark.one_engine


def states(world: World) -> list[str]:
    rows = world.rows("SELECT state FROM approvals ORDER BY requested_at, id")
    return [row["state"] for row in rows]


async def reopened(world: World) -> None:
    await world.resolves()
    await world.resolved("INC-1 resolved")
    await until(lambda: "Propose" not in world.replies("advice")[0].buttons, why="it is over")
    await world.alert(severity="high")
    await world.reply("news", "INC-1 fires again")
    await until(lambda: "Propose" in world.replies("advice")[0].buttons, why="it goes on")


async def test_a_step_is_proposed_again_after_the_incident_was_resolved_and_reopened(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_sops()
    await bot(ADVISOR_COMMAND=advisor(world.folder, ANSWER))
    chloe = world.slack.as_user("chloe")
    await world.alert()
    advice = await world.advice("the heap is full")
    await chloe.press(advice, "Propose")
    await world.approval_card("awaiting approval")
    await reopened(world)
    assert states(world) == ["revoked"], "the resolve ended it"

    await chloe.press(world.replies("advice")[0], "Propose")
    card = await world.approval_card("awaiting approval", which=2)
    assert "alert: service" in card.text
    await chloe.press(advice, "Propose", stale=True)
    await world.ephemeral("chloe", "awaiting approval already")
    assert states(world) == ["revoked", "awaiting approval"]
    assert gateway.executions() == [], "nothing runs without an approval"


async def test_a_first_press_after_the_reopen_proposes_and_one_while_it_was_resolved_did_not(
    world: World, bot: StartBot
) -> None:
    world.write_sops()
    await bot(ADVISOR_COMMAND=advisor(world.folder, ANSWER))
    chloe = world.slack.as_user("chloe")
    await world.alert()
    advice = await world.advice("the heap is full")
    await world.resolves()
    await world.resolved("INC-1 resolved")
    await chloe.press(advice, "Propose", stale=True)
    await world.ephemeral("chloe", "Not proposed: this step no longer names an action")
    await world.alert(severity="high")
    await world.reply("news", "INC-1 fires again")
    await until(lambda: "Propose" in world.replies("advice")[0].buttons, why="it goes on")
    await chloe.press(world.replies("advice")[0], "Propose")
    await world.approval_card("awaiting approval")
    assert states(world) == ["awaiting approval"]
