"""People change the severity, the owner and the cascade of an incident by the card's menu."""

from __future__ import annotations

from typing import Any

import pytest

from bot.simulator import menu_entries
from tests.scenarios.commands import answer_to
from tests.scenarios.world import ANA, BEN, World

pytestmark = pytest.mark.one_engine


async def opened(world: World, entry: str, who: str, number: int = 1) -> dict[str, Any]:
    """The modal that an entry of the card's menu opens."""
    assert (await world.press(await world.card(number=number), entry, who)).acked
    modal: dict[str, Any] = await world.slack.wait_for(
        lambda: world.slack.modal(who), why="a modal opens"
    )
    return modal


async def test_the_second_of_two_people_is_told_what_the_first_changed_and_loses_nothing(
    world: World, two_open: None
) -> None:
    ana, ben = world.slack.as_user("ana"), world.slack.as_user("ben")
    modal = await opened(world, "Change severity…", "ana")
    assert "It is critical, as its alerts say." in str(modal)
    await opened(world, "Change severity…", "ben")
    await ana.submit(values={"severity": "low"})
    question = str(world.slack.modal("ana"))
    assert (
        "INC-1 is critical, and 1 alert still fires. Submit once more to set it to low" in question
    )
    assert "set by" not in (await world.card()).text
    await ana.submit()
    assert world.slack.modal("ana") is None
    await world.card("severity set by @ana")

    await ben.submit(values={"severity": "high"})
    redrawn = world.slack.modal("ben")
    assert redrawn is not None
    assert f"<@{ANA}> set the severity of INC-1 to low while this box was open" in str(redrawn)
    assert redrawn["blocks"][-1]["element"]["initial_option"]["value"] == "high"
    assert (await world.card()).text.startswith("🔹 LOW"), "nothing is overwritten"
    await ben.submit()
    assert (await world.card("severity set by @ben")).text.startswith("🔶 HIGH")

    assert "Nobody has acknowledged it yet" in str(await opened(world, "Assign…", "ana"))
    await opened(world, "Assign…", "ben")
    await ana.submit()
    await world.card("acknowledged by @ana")
    await ben.submit(values={"owner": "U0CHLOE001"})
    redrawn = world.slack.modal("ben")
    assert redrawn is not None
    assert f"the owner of INC-1 became <@{ANA}> while this box was open" in str(redrawn)
    assert redrawn["blocks"][-1]["element"]["initial_user"] == "U0CHLOE001"
    await ben.submit()
    await world.reply("steered", "Assigned to @chloe by @ben; it was @ana's", which=4)


async def test_a_person_is_asked_for_help_from_the_menu_of_the_card(
    world: World, two_open: None
) -> None:
    ana = world.slack.as_user("ana")
    modal = await opened(world, "Escalate…", "ana")
    chosen = [
        block["element"].get("initial_user") for block in modal["blocks"] if "element" in block
    ]
    assert chosen == [BEN, None], "menu, entry, submit: an approver is chosen already, and shown"
    await ana.submit(values={"reason": "the disk again"})
    answer = str(world.slack.modal("ana"))
    assert f"INC-1 is escalated: <@{BEN}> is asked in its thread and by a direct message" in answer
    await world.card("escalated to @ben by @ana")
    await world.reply("steered", "the disk again")
    modal = await opened(world, "Escalate…", "chloe")
    assert f"<@{ANA}> asked <@{BEN}>" in str(modal), "a second person sees that somebody is asked"
    refused = await world.slack.as_user("chloe").submit(values={"person": "U0CHLOE001"})
    assert "You cannot escalate to yourself" in str(refused.errors)


async def test_a_merge_is_chosen_from_the_open_incidents_and_can_be_undone(
    world: World, two_open: None
) -> None:
    ben = world.slack.as_user("ben")
    modal = await opened(world, "Merge…", "ben", number=2)
    options = modal["blocks"][-1]["element"]["options"]
    assert [option["value"] for option in options] == ["1"], "not itself"
    await ben.submit(values={"target": "1"})
    answer = str(world.slack.modal("ben"))
    assert "INC-2 is a child of INC-1 now" in answer
    assert "/incident split INC-2" in answer
    card = await world.card("1 child (search-api)")
    assert "Children (1)" in card.buttons
    modal = await opened(world, "Merge…", "ana")
    assert "No other incident is open." in str(modal)
    assert modal["submit"] is None
    assert "of its own again" in await answer_to(world, "/incident split INC-2")


async def test_the_menu_is_in_the_home_tab_too_and_a_forged_entry_does_nothing(
    world: World, two_open: None
) -> None:
    await answer_to(world, "/incident ack INC-1", "ben")
    ben = world.slack.as_user("ben")
    await ben.open_home()
    home = await world.slack.wait_for(lambda: world.slack.home("ben"), why="the Home tab")
    assert "Change severity…" in menu_entries(home)
    await ben.press(home, "Change severity…")
    modal = await world.slack.wait_for(lambda: world.slack.modal("ben"), why="the modal")
    assert modal["private_metadata"].startswith("1/critical.")
    await ben.submit(values={"severity": "high"})
    await world.card("severity set by @ben")

    forged = {**home, "blocks": []}
    outcome = await world.slack.core.interactions.act_in_view(
        ben.user,
        forged,
        {
            "type": "overflow",
            "action_id": "sopbot.more",
            "block_id": "b",
            "selected_option": {"value": "severity 2"},
        },
    ).outcome()
    assert outcome is not None
    await world.quiet()
    assert world.slack.modal("ben") is None
    refused = world.rows("SELECT * FROM audit WHERE kind = 'refused'")
    assert "sopbot.more severity" in str([dict(row) for row in refused])
