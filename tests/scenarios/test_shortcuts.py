"""The shortcuts: a person opens an incident, from a message or not, or has an alert explained."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, World, restart_sop

pytestmark = pytest.mark.one_engine

RANDOM = "C0RANDOM01"


async def modal_of(world: World, who: str, says: str) -> dict[str, Any]:
    """The person's modal, once it says that."""
    return await world.slack.wait_for(
        lambda: (
            view
            if (view := world.slack.modal(who)) and says in json.dumps(view, ensure_ascii=False)
            else None
        ),
        why=f"a modal that says {says!r}",
    )


async def test_a_person_reports_an_incident_and_a_second_report_joins_it(
    world: World, bot: StartBot
) -> None:
    world.write_sops(restart_sop(world.probe_url) | {"actions": []})
    await bot()
    ana = world.slack.as_user("ana")
    assert (await ana.shortcut("sopbot_report")).acked
    await modal_of(world, "ana", "What is wrong?")
    empty = await ana.submit(values={"What is wrong?": "   "})
    assert "A title is required." in empty.errors["title"]
    fields = {
        "What is wrong?": "Checkout fails <!channel>",
        "Service": "checkout-api",
        "What do you see?": "Card payments end in a timeout.",
    }
    assert not (await ana.submit(values=fields)).errors
    await modal_of(world, "ana", "Opened `INC-1`")
    card = await world.card("Checkout fails")
    assert "Card payments end in a timeout." in card.text
    assert "<!channel>" not in json.dumps(card.data)
    await world.reply("note", "Opened this incident")

    ben = world.slack.as_user("ben")
    await ben.shortcut("sopbot_report")
    await modal_of(world, "ben", "What is wrong?")
    await ben.submit(values=fields | {"What is wrong?": "Paying is broken", "Severity": "critical"})
    await modal_of(world, "ben", "Your report joined `INC-1`")
    await world.reply("note", "Paying is broken", which=2)
    assert len(world.cards()) == 1


async def test_a_message_opens_one_incident_with_its_text_as_evidence(
    world: World, one_open: None
) -> None:
    chloe = world.slack.as_user("chloe")
    message = await chloe.say(RANDOM, "The login page is white\nsince this morning")
    await chloe.shortcut("sopbot_open", message)
    modal = await modal_of(world, "chloe", "The login page is white")
    assert modal["private_metadata"] == f"{RANDOM}/{message.ts}"
    await chloe.submit(values={})
    await modal_of(
        world, "chloe", f"Opened `INC-2` The login page is white. Its card is in <#{ALERTS}>"
    )
    card = await world.card("since this morning", number=2)
    assert "/archives/" in json.dumps(card.data)
    # The bot is not in that channel: its answer goes by the response URL.
    await world.slack.as_user("ana").shortcut("sopbot_open", message)
    await world.ephemeral("ana", "Nothing was opened: this message is part of")


async def test_an_alert_is_explained_in_its_thread_once_and_no_other_message_is(
    world: World, one_open: None
) -> None:
    ana = world.slack.as_user("ana")
    alert = next(m for m in world.slack.messages(ALERTS) if not m.data.get("metadata"))
    await ana.shortcut("sopbot_explain", alert)
    await world.ephemeral("ana", "the answer will be posted in the thread of INC-1")
    await world.advice("Explain this alert", which=2)
    await world.slack.as_user("ben").shortcut("sopbot_explain", alert)
    await world.ephemeral("ben", "Somebody asked about this message already")
    chatter = await ana.say(RANDOM, "lunch?")
    await ana.shortcut("sopbot_explain", chatter)
    await world.ephemeral("ana", "This message is no alert that the bot knows")
    await world.quiet()
    assert len(world.replies("advice")) == 2


@pytest.mark.attack("ASI03")
async def test_a_guest_opens_an_incident_only_if_the_policy_says_so(
    world: World, one_open: None
) -> None:
    guest = world.slack.as_user("guest")
    await guest.shortcut("sopbot_report")
    await modal_of(world, "guest", "`remediate.guests_may` could allow it")
    assert len(world.cards()) == 1
