"""An incident of which no alert comes any more: its thread asks, and people answer by a button."""

from __future__ import annotations

import pytest

from bot.app import Bot
from bot.simulator import Message
from tests.helpers.clocks import RunningClock
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ANA, BEN, SERVICE, World

pytestmark = pytest.mark.one_engine

QUESTION = "No alert of INC-1 for 1 d. Is it still going on?"
DAY = 24 * 3600


def buttons(message: Message) -> list[str]:
    blocks = message.data["blocks"]
    return [
        element["text"]["text"]
        for block in blocks
        if block["type"] == "actions"
        for element in block["elements"]
    ]


async def open_stale_question(
    world: World, bot: StartBot, clock: RunningClock
) -> tuple[Message, Bot]:
    """The question, about an incident that Ana acknowledged a day ago, and the bot that asks."""
    correlate = {"card_update_seconds": 0, "stale_after_hours": 24}
    world.write_policy(BEN, propose_from_sop=False, segments={"correlate": correlate})
    running = await bot()
    await world.alert()
    await world.press(await world.card("CRITICAL"), "Acknowledge", "ana")
    await world.card("acknowledged by @ana")
    clock.forward(DAY + 1)
    await running.service.settle()
    question = await world.reply("news", QUESTION)
    assert f"<@{ANA}>" in question["text"], "the fallback text notifies"
    assert buttons(question) == ["Still going on", "Resolve"]
    await world.card(QUESTION)
    await world.quiet()  # the bot has recorded where the question stands, so a press is accepted
    return question, running


async def test_still_going_on_keeps_it_open_and_takes_the_buttons_away(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    question, running = await open_stale_question(world, bot, clock)
    await world.press(question, "Still going on", "ben")
    question = await world.reply("news", "INC-1 goes on")
    assert buttons(question) == []
    assert "Is it still going on?" not in (await world.card("acknowledged by @ana")).text
    await world.quiet()
    assert len(world.replies("news")) == 1
    clock.forward(DAY + 1)
    await running.service.settle()
    await world.reply("news", QUESTION, which=2)


async def test_resolve_closes_it_from_the_question(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    question, _ = await open_stale_question(world, bot, clock)
    await world.press(question, "Resolve", "ana")
    await world.resolved()
    assert buttons(await world.reply("news", "INC-1 is resolved")) == []


async def test_a_new_alert_settles_the_question(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    await open_stale_question(world, bot, clock)
    await world.alert(SERVICE, name="AnotherAlert")
    assert buttons(await world.reply("news", "INC-1 goes on")) == []


async def test_a_press_on_a_settled_question_says_so_to_the_presser(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    question, _ = await open_stale_question(world, bot, clock)
    await world.press(question, "Still going on", "ben")
    await world.reply("news", "INC-1 goes on")
    await world.press(question, "Still going on", "ana", stale=True)
    await world.ephemeral(ANA, "Nothing changed")
    assert len(world.rows("SELECT 1 FROM timeline WHERE kind = 'still'")) == 1
