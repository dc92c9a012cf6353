"""A person hands their incidents over, and gets the export of one, by direct message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.simulator import Message
from store.audit.proof.export import read_export, verify_export
from tests.helpers.clocks import RunningClock
from tests.scenarios.commands import answer_to
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ANA, AUDIT_KEY, BEN, CHLOE, World, kind, restart_sop

pytestmark = pytest.mark.one_engine


def direct(world: World, user: str, kind_name: str) -> list[Message]:
    """The bot's direct messages of a kind to a person."""
    channel = world.slack.core.workspace.direct(user)
    return [m for m in world.slack.messages(channel.id) if kind(m) == kind_name]


async def direct_message(world: World, user: str, kind_name: str, says: str) -> Message:
    return await world.slack.wait_for(
        lambda: next((m for m in direct(world, user, kind_name) if says in m.text), None),
        why=f"a direct message of kind {kind_name} saying {says!r}",
    )


@pytest.fixture
async def two_of_anas(world: World, two_open: None) -> None:
    """INC-1 (critical) and INC-2, both acknowledged by ana."""
    await answer_to(world, "/incident ack INC-1", "ana")
    await answer_to(world, "/incident ack INC-2", "ana")


async def test_a_handover_changes_the_owner_when_the_other_person_accepts(
    world: World, two_of_anas: None
) -> None:
    answer = await answer_to(world, f"/incident handover <@{BEN}|ben>", "ana")
    assert "2 incidents offered to @ben in a direct message" in answer
    to_ben = await direct_message(world, BEN, "handover", "@ana hands 2 incidents over to you")
    assert to_ben.text.index("INC-1") < to_ben.text.index("INC-2"), "the most severe first"
    assert to_ben.buttons == ["Accept", "Decline"]
    to_ana = await direct_message(world, ANA, "handover", "has not accepted yet")
    assert to_ana.buttons == ["Cancel"]
    assert "acknowledged by @ana" in (await world.card()).text, "nothing changed yet"
    await answer_to(world, "/incident assign INC-2 me", "chloe")

    await world.press(to_ben, "Accept", "ben")
    await world.card("acknowledged by @ben")
    await world.reply("steered", "Taken over by @ben; it was @ana's")
    done = await direct_message(world, ANA, "handover", "1 incident of @ana is @ben's")
    assert "1 had another owner" in done.text
    assert done.buttons == []
    assert "acknowledged by @chloe" in (await world.card(number=2)).text
    await world.press(to_ben, "Accept", "ben", stale=True)
    await world.slack.wait_for(
        lambda: any("Nothing changed" in text for text in world.ephemerals("ben")), why="an answer"
    )
    assert "you own no open incident" in await answer_to(
        world, f"/incident handover <@{BEN}>", "ana"
    )


async def test_only_its_two_people_decide_on_a_handover_and_a_new_one_replaces_it(
    world: World, two_of_anas: None
) -> None:
    seen: list[dict[str, Any]] = []

    async def record(envelope: dict[str, Any]) -> bool:
        seen.append(envelope)
        return True

    world.slack_hooks.on_envelope = record
    await answer_to(world, f"/incident handover <@{BEN}>", "ana")
    payload = next(e["payload"] for e in seen if e["type"] == "slash_commands")
    second = world.slack.deliver("slash_commands", payload, accepts_response_payload=True)
    assert await second.outcome()
    await world.quiet()
    assert len(direct(world, BEN, "handover")) == 1, "a redelivery offers nothing"
    first = await direct_message(world, BEN, "handover", "hands 2 incidents over")

    await answer_to(world, "/incident handover <@U0CHLOE001>", "ana")
    await direct_message(world, BEN, "handover", "Handover ended by @ana")
    await world.press(first, "Accept", "ben", stale=True)
    await world.slack.wait_for(
        lambda: any("no incident changed its owner" in text for text in world.ephemerals("ben")),
        why="an answer",
    )
    to_chloe = await direct_message(world, "U0CHLOE001", "handover", "hands 2 incidents over")
    await world.press(to_chloe, "Decline", "chloe")
    await direct_message(world, ANA, "handover", "Handover ended by @chloe")
    assert "acknowledged by @ana" in (await world.card()).text
    for line, text in (
        ("/incident handover", "Hand over to whom?"),
        (f"/incident handover <@{ANA}>", "they are yours already"),
        ("/incident handover <@U0GONE0001>", "Not handed over: Slack opens no direct message"),
    ):
        assert text in await answer_to(world, line, "ana")


async def test_a_handover_is_accepted_on_the_home_tab(world: World, two_of_anas: None) -> None:
    await answer_to(world, f"/incident handover <@{BEN}>", "ana")
    ben = world.slack.as_user("ben")
    await ben.open_home()
    tab = await world.slack.wait_for(lambda: world.slack.home("ben"), why="the Home tab")
    assert "hands 2 incidents over to you" in str(tab)
    assert "`INC-1`, `INC-2`" in str(tab)
    await ben.press(tab, "Accept")
    await world.card("acknowledged by @ben")
    await world.slack.wait_for(
        lambda: "Yours (2)" in str(world.slack.home("ben")), why="the tab shows that they are his"
    )
    assert "hands 2 incidents over" not in str(world.slack.home("ben"))


async def test_a_handover_that_waits_drops_what_is_resolved_and_ends_without_any(
    world: World, bot: StartBot
) -> None:
    world.write_sops(restart_sop(world.probe_url) | {"actions": []})
    running = await bot()
    await world.alert()
    await world.alert("search-api", name="LatencyHigh", severity="warning")
    await world.card(number=2)
    for number in (1, 2):
        await answer_to(world, f"/incident ack INC-{number}", "ana")
    await answer_to(world, f"/incident handover <@{BEN}>", "ana")
    await direct_message(world, BEN, "handover", "hands 2 incidents over to you")
    await running.service.resolve(2, CHLOE)
    await running.service.handovers.report_late()
    to_ben = await direct_message(world, BEN, "handover", "hands 1 incident over to you")
    assert "INC-2" not in to_ben.text
    assert to_ben.buttons == ["Accept", "Decline"]
    await running.service.resolve(1, CHLOE)
    await running.service.handovers.report_late()
    for person in (ANA, BEN):
        ended = await direct_message(world, person, "handover", "its incidents are resolved")
        assert ended.buttons == []


@pytest.mark.attack("ASI03")
async def test_the_giver_cannot_accept_in_the_name_of_the_taker(
    world: World, two_of_anas: None
) -> None:
    await answer_to(world, f"/incident handover <@{BEN}>", "ana")
    to_ana = await direct_message(world, ANA, "handover", "has not accepted yet")
    ana = world.slack.as_user("ana")
    forged = to_ana.data["blocks"][-1]["elements"][0] | {"action_id": "sopbot.accept_handover"}
    to_ana.data["blocks"][-1]["elements"][0] = forged
    await ana.press(to_ana, "Cancel", stale=True)
    await world.quiet()
    assert "acknowledged by @ana" in (await world.card()).text
    assert await direct_message(world, BEN, "handover", "hands 2 incidents over")


async def test_the_giver_of_a_critical_incident_is_told_once_that_nobody_accepts(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    world.write_sops(restart_sop(world.probe_url) | {"actions": []})
    running = await bot()
    await world.alert()
    await world.card()
    await answer_to(world, "/incident ack INC-1", "ana")
    await answer_to(world, f"/incident handover <@{BEN}>", "ana")
    await running.service.handovers.report_late()
    await world.quiet()
    assert direct(world, ANA, "handover_late") == []
    clock.forward(15 * 60)
    await running.service.handovers.report_late()
    await running.service.handovers.report_late()
    await direct_message(world, ANA, "handover_late", "`INC-1` stays yours")
    await world.quiet()
    assert len(direct(world, ANA, "handover_late")) == 1


async def test_an_export_comes_as_a_file_in_a_direct_message_and_proves_itself(
    world: World, one_open: None
) -> None:
    answer = await answer_to(world, "/incident export inc1", "ana")
    assert "The export of INC-1 comes as the file INC-1-export-" in answer
    channel = world.slack.core.workspace.direct(ANA)
    posted = await world.slack.wait_for(
        lambda: [m for m in world.slack.messages(channel.id) if m.data.get("files")], why="the file"
    )
    shared = posted[0].data["files"][0]
    assert shared["name"] in answer
    content = (world.slack.core.files[shared["id"]].content or b"").decode()
    export = read_export(content)
    rows, _ = verify_export(AUDIT_KEY.encode(), export)
    assert export["incident"] == "INC-1"
    assert rows == 1, "that it was exported is on record, and in the export itself"
    assert "Exported by" in json.dumps(export["parts"]["thread"])
    world.slack.change_user("chloe", is_guest=True)
    assert "guest" in await answer_to(world, "/incident export INC-1", "chloe")
