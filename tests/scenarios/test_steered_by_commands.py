"""A person sets the severity, leaves a note, and escalates, all by commands."""

from __future__ import annotations

import pytest

from tests.scenarios.commands import answer_to
from tests.scenarios.world import BEN, World

pytestmark = pytest.mark.one_engine


async def test_the_severity_that_a_person_sets_is_on_the_card_and_in_the_thread(
    world: World, two_open: None
) -> None:
    await answer_to(world, "/incident ack INC-1", "ben")
    answer = await answer_to(world, "/incident severity inc1 low")
    assert answer.startswith("INC-1 is 🔹 LOW now.")
    card = await world.card("severity set by @ana")
    assert card.text.startswith("🔹 LOW")
    await world.reply("steered", "Severity set to low by @ana; it was critical. Owner: @ben")
    await world.alert(name="LatencyHigh")  # as critical as the first
    card = await world.card("2 alerts grouped")
    assert card.text.startswith("🔹 LOW"), "the senders do not change it"
    second = await answer_to(world, "/incident severity 1 sev4", "ben")
    assert second == "Nothing changed: INC-1 is low, as @ana has set it."
    assert "bad is not a severity." in await answer_to(world, "/incident severity 1 bad")


async def test_a_note_is_quoted_in_the_thread_and_the_timeline(
    world: World, two_open: None
) -> None:
    answer = await answer_to(world, "/incident note 2 rolled back *2.4* <!channel>")
    assert answer == "📝 Noted: the thread and the timeline of INC-2 quote you."
    reply = await world.reply("note", "Note by @ana", number=2)
    assert "rolled back 2.4 <!channel>" in reply.text
    assert "<!channel>" not in str(reply.data["blocks"])
    assert "rolled back" in await answer_to(world, "/incident show 2")
    assert "What is the note?" in await answer_to(world, "/incident note 2")


async def test_an_escalation_reaches_the_second_person_and_their_press_ends_it(
    world: World, two_open: None
) -> None:
    await answer_to(world, "/incident ack INC-1")
    answer = await answer_to(world, "/incident escalate 1 @ben the disk is full")
    assert answer.startswith("🔔 INC-1 is escalated: @ben is asked in its thread and by a direct")
    await world.reply("steered", "Escalated to @ben by @ana: the disk is full")
    await world.card("escalated to @ben by @ana")
    direct = world.slack.core.workspace.direct(BEN).id
    message = await world.slack.wait_for(
        lambda: next(iter(world.slack.messages(direct)), None), why="ben gets a direct message"
    )
    assert "CRITICAL · HealthCheckFailing" in message.text
    assert "Escalated to @ben by @ana: the disk is full" in message.text
    assert {"Acknowledge", "Open thread"} <= set(message.buttons)
    second = await answer_to(world, "/incident escalate 1 @ben")
    assert second.startswith("Nothing changed: INC-1 was escalated to @ben less than 5 min ago.")

    await world.press(message, "Acknowledge", "ben")
    await world.ephemeral("ben", "You answered the escalation of INC-1. It is still @ana's")
    await world.reply("steered", "Escalation answered by @ben; @ana had asked", which=2)
    await world.quiet()
    assert "escalated" not in (await world.card()).text
    assert "acknowledged by @ana" in (await world.card()).text
    assert "You cannot escalate to yourself." in await answer_to(world, "/incident escalate 1 @ana")
    assert "somebody is nobody in Slack" in await answer_to(world, "/incident escalate 1 somebody")


async def test_a_person_opens_an_incident_by_command_or_is_asked_for_all_of_it(
    world: World, two_open: None
) -> None:
    line = "/incident open sev1 payments fail service=payments env=prod"
    answer = await (await world.types(line)).response()
    assert answer.text.startswith("Opened `INC-3` payments fail. Its card is in #alerts.")
    card = await world.card(number=3)
    assert card.text.startswith("🔴 CRITICAL · payments fail")
    await world.reply("note", "Note by @ana", number=3)
    joined = await answer_to(world, "/incident open service=payments env=prod payments fail", "ben")
    assert "Your report joined" in joined
    await world.reply("note", "Note by @ben", number=3, which=2)

    assert "fill in the box that opened" in await answer_to(world, "/incident open low", "chloe")
    box = await world.slack.wait_for(lambda: world.slack.modal("chloe"), why="the box asks")
    assert "Report an incident" in str(box)
