"""A question by command, mention or button is answered in the incident's thread."""

from __future__ import annotations

import pytest

from tests.scenarios.commands import answer_to
from tests.scenarios.world import ALERTS, World

pytestmark = pytest.mark.one_engine


async def test_ask_brings_the_answer_into_the_thread(world: World, one_open: None) -> None:
    text = await answer_to(world, "/incident ask INC-1 why only in the evening?")
    assert "Question sent; the answer will be posted in the thread of INC-1." in text
    answer = await world.advice("why only in the evening?", which=2)
    assert "@ana asked" in answer.text


async def test_a_mention_in_a_thread_is_a_question(world: World, one_open: None) -> None:
    ben = world.slack.as_user("ben")
    await ben.say(ALERTS, "@sopbot what changed today?", thread=await world.card())
    answer = await world.advice("what changed today?", which=2)
    assert "@ben asked" in answer.text


async def test_a_mention_outside_of_an_incidents_thread_is_ignored(
    world: World, one_open: None
) -> None:
    ben = world.slack.as_user("ben")
    root = await ben.say(ALERTS, "@sopbot good morning")
    await ben.say(ALERTS, "@sopbot and good night", thread=root)
    await ben.say(ALERTS, "@sopbot", thread=await world.card())
    await world.quiet()
    assert len(world.replies("advice")) == 1


async def test_the_ask_button_opens_a_box_and_its_answer_comes_into_the_thread(
    world: World, one_open: None
) -> None:
    chloe = world.slack.as_user("chloe")
    assert (await chloe.press(await world.card(), "Ask")).acked
    modal = await world.slack.wait_for(lambda: world.slack.modal("chloe"), why="the box")
    assert modal["title"]["text"] == "Ask about INC-1"
    outcome = await chloe.submit(values={"Question": "is it the disk?"})
    assert outcome.acked
    assert outcome.errors == {}
    answer = await world.advice("is it the disk?", which=2)
    assert "@chloe asked" in answer.text


async def test_an_empty_question_is_answered_in_the_box(world: World, one_open: None) -> None:
    chloe = world.slack.as_user("chloe")
    await chloe.press(await world.card(), "Ask")
    await world.slack.wait_for(lambda: world.slack.modal("chloe"), why="the box")
    outcome = await chloe.submit(values={"Question": "   "})
    assert outcome.errors["question"].startswith("What is the question?")
    await world.quiet()
    assert len(world.replies("advice")) == 1
