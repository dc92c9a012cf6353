"""Finds SOPs by command, and links an incident to one."""

from __future__ import annotations

import json

import pytest

from bot.incidents.sops import SopLibrary
from bot.simulator import File
from tests.helpers.waiting import until
from tests.scenarios.commands import answer_to
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ANA, BEN, World, restart_sop

pytestmark = pytest.mark.one_engine


async def test_an_owner_or_an_approver_links_an_incident_to_a_sop_which_proposes_its_action(
    world: World, bot: StartBot
) -> None:
    other = restart_sop(world.probe_url, sop_id="sop_other", keys=["svc:nothing"], title="Other")
    world.write_sops(restart_sop(world.probe_url) | {"actions": []}, other)
    world.write_policy(BEN, ANA, auto_approve=["*"])
    await bot()
    await world.alert()
    await world.card()
    assert "No SOP has all of kafka" in await answer_to(world, "/sop search kafka")
    assert "sop_other Other" in await answer_to(world, "/sop search OTHER restart")
    assert "Nothing ran under sop_other yet" in await answer_to(world, "/sop runs sop_other")
    refused = await answer_to(world, "/sop link INC-1 sop_other", "chloe")
    assert "Not linked: only an approver decides that." in refused
    linked = await answer_to(world, "/sop link INC-1 sop_other", "ben")
    assert "INC-1 uses sop_other now" in linked
    await world.card("sop_other")
    await world.reply("steered", "Linked to SOP sop_other by @ben; it was sop_checkout_down")
    card = await world.approval_card("Restart checkout-api")
    assert "Approve" in card.buttons, "what the SOP's keys do not match is never approved by itself"
    await world.press(card, "Approve", "ben")
    await world.ephemeral("ben", "Not counted: you asked for this, so somebody else must approve")
    shown = await answer_to(world, "/sop show sop_other")
    assert "on checkout-api: proposed 1, approved 0, ran 0, helped 0, did not help 0" in shown
    assert "uses sop_other already" in await answer_to(world, "/sop link INC-1 sop_other", "ben")
    assert "Link which incident" in await answer_to(world, "/sop link sop_other", "ben")
    listed = await answer_to(world, "/sop list")
    assert listed.index("sop_other Other · HIGH · 1 incident, last INC-1") < listed.index("never")


async def test_a_lesson_reaches_the_next_incident_and_a_draft_of_an_sop_is_a_good_one(
    world: World, bot: StartBot
) -> None:
    world.write_sops()
    await bot()
    await world.alert()
    await world.card()
    assert "What is the lesson?" in await answer_to(world, "/incident lesson INC-1")
    kept = await answer_to(world, "/incident lesson INC-1 It was the *connection* pool")
    assert "Kept as a lesson of INC-1" in kept
    await world.reply("steered", "It was the")
    sop_id = (await world.card()).text.partition("sop_")[2].split()[0].strip("`")
    assert "connection" in await answer_to(world, f"/sop lessons sop_{sop_id}")
    assert "There is no lesson 7" in await answer_to(world, "/sop lessons remove 7")
    assert "Which lesson?" in await answer_to(world, "/sop lessons remove it")
    await answer_to(world, "/incident lesson INC-1 It was the moon", "chloe")
    assert "Not removed" in await answer_to(world, "/sop lessons remove 2")
    assert "Lesson 2 of INC-1 is removed" in await answer_to(world, "/sop lessons remove 2", "ben")
    await answer_to(world, "/incident lesson INC-1 It was the moon, I think")
    assert "Lesson 3 of INC-1 is removed" in await answer_to(world, "/sop lessons remove 3")
    assert "moon" not in await answer_to(world, f"/sop lessons sop_{sop_id}")
    assert "No lesson of sop_x yet" in await answer_to(world, "/sop lessons sop_x")

    assert "comes into the thread of INC-1" in await answer_to(world, "/sop draft INC-1")
    [file] = await until(lambda: _drafts(world))
    library = SopLibrary.load([(file.name, file.content.decode())])
    assert library.problems == ()
    [sop] = library.sops
    assert sop.sop_id == f"sop_{sop_id}"
    assert sop.keys[0] == "svc:checkout-api"
    assert sop.fix_action == ("It was the *connection* pool",)

    await answer_to(world, f"/incident lesson INC-1 {'y' * 900}")
    await world.alert("other-api")  # another service, and the same alert name
    long, fact = await until(lambda: _lessons_in_evidence(world))
    assert fact["text"] == "It was the *connection* pool"
    assert long["text"] == "y" * 600, "lessons leave room for what is measured"


def _drafts(world: World) -> list[File]:
    files = world.slack.core.files.values()
    return [file for file in files if "-sop-" in file.name and file.content]


def _lessons_in_evidence(world: World) -> list[dict[str, str]]:
    """Return the lessons in the evidence of INC-2: that of INC-1 has its own if it came late."""
    rows = world.rows("SELECT body FROM evidence WHERE incident_id = 2")
    bodies = [json.loads(row["body"]) for row in rows]
    return [fact for body in bodies for fact in body["facts"] if fact["source"] == "Lesson"]
