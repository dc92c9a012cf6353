"""Finds SOPs by command, and links an incident to one."""

from __future__ import annotations

import pytest

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
    assert "uses sop_other already" in await answer_to(world, "/sop link INC-1 sop_other", "ben")
    assert "Link which incident" in await answer_to(world, "/sop link sop_other", "ben")
    listed = await answer_to(world, "/sop list")
    assert listed.index("sop_other Other · HIGH · 1 incident, last INC-1") < listed.index("never")
