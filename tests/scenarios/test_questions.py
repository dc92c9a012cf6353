"""A question by command, mention or button is answered in the incident's thread."""

from __future__ import annotations

import pytest

from tests.scenarios.commands import answer_to
from tests.scenarios.world import ALERTS, BEN, World

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


async def test_a_mention_elsewhere_answers_with_the_channels_incidents_and_a_bare_one_with_help(
    world: World, one_open: None
) -> None:
    ben, chloe = world.slack.as_user("ben"), world.slack.as_user("chloe")
    root = await ben.say(ALERTS, "@sopbot good morning")
    text = await world.ephemeral("ben", "1 open incident in this channel")
    assert "INC-1 HealthCheckFailing" in text
    await chloe.say(ALERTS, "@sopbot and good night", thread=root)
    await world.ephemeral("chloe", "1 open incident in this channel")
    await ben.say("C0OPS00001", "@sopbot what is on?")
    await world.ephemeral("ben", "No open incidents in this channel.")
    await ben.say(ALERTS, "@sopbot", thread=await world.card())
    await world.ephemeral("ben", "no action without approval")
    await world.quiet()
    assert len(world.replies("advice")) == 1, "nobody asked about an incident"

    await chloe.say("C0OPS00001", "@sopbot INC-1 is it the disk?")
    await world.ephemeral("chloe", "Question sent")
    await world.advice("is it the disk?", which=2)
    await chloe.say("C0OPS00001", "@sopbot inc-99 is it the disk?")
    await world.ephemeral("chloe", "There is no INC-99.")


async def test_a_direct_message_gives_help_or_asks_about_the_incident_that_it_names(
    world: World, one_open: None
) -> None:
    direct = world.slack.core.workspace.direct(BEN).id
    ben = world.slack.as_user("ben")
    answers = lambda: [m.text for m in world.slack.messages(direct) if m.data.get("bot_id")]  # noqa: E731
    await ben.say(direct, "hello?")
    await world.slack.wait_for(lambda: len(answers()) == 1, why="the help")
    assert "no action without approval" in answers()[0]
    await ben.say(direct, "#1")
    await world.slack.wait_for(lambda: len(answers()) == 2, why="the answer")
    assert "posted in the thread of INC-1" in answers()[1]
    await world.advice("What is happening, and what to do first?", which=2)
    await ben.say(direct, "and INC-77?")
    await world.slack.wait_for(lambda: len(answers()) == 3, why="the answer")
    assert "There is no INC-77." in answers()[2]
    # Its own messages are no questions.
    await world.quiet()
    assert len(answers()) == 3


@pytest.mark.attack("ASI03")
async def test_people_of_another_workspace_get_no_answer_to_a_mention_or_direct_message(
    world: World, one_open: None
) -> None:
    world.slack.change_user("chloe", team_id="T0STRANGE1")
    chloe = world.slack.as_user("chloe")
    direct = world.slack.core.workspace.direct("U0CHLOE001").id
    await chloe.say(ALERTS, "@sopbot INC-1 what is on?")
    await chloe.say(direct, "INC-1")
    await world.quiet()
    assert not [text for text in world.ephemerals("chloe") if "INC-1" in text]
    assert "INC-1" not in str(
        [m.text for m in world.slack.messages(direct) if m.data.get("bot_id")]
    )
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
