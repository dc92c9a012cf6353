"""A person freezes one incident or one target: the card, Home and the answers say so."""

from __future__ import annotations

import pytest

from tests.scenarios.commands import answer_to
from tests.scenarios.starting import StartBot
from tests.scenarios.world import Gateway, World

pytestmark = pytest.mark.one_engine


async def test_a_frozen_incident_cannot_be_approved_until_an_approver_unfreezes_it(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await bot()
    await world.alert()
    await world.approval_card("awaiting approval")
    answer = await answer_to(world, "/incident freeze INC-1 we move the rack")
    assert "no action of INC-1 runs until an approver types /incident unfreeze INC-1" in answer
    assert "1 waiting approval is blocked now" in answer
    await world.card("`INC-1` is frozen by @ana")
    blocked = await world.approval_card("INC-1 is frozen by @ana (we move the rack)")
    assert "Approve" not in blocked.buttons
    await world.reply("steered", "Its actions were frozen by @ana: we move the rack")
    await world.slack.as_user("ben").open_home()
    home = await world.slack.wait_for(lambda: world.slack.home("ben"), why="the Home tab")
    assert "is frozen by" in str(home)

    assert "Still frozen" in await answer_to(world, "/incident unfreeze 1", "ana")
    assert "It was frozen by @ana" in await answer_to(world, "/incident unfreeze 1", "ben")
    await world.slack.wait_for(
        lambda: "Approve" in world.replies("approval")[0].buttons, why="it can be approved again"
    )
    assert "INC-1 is not frozen" in await answer_to(world, "/incident unfreeze 1", "ben")

    answer = await answer_to(world, "/incident freeze target checkout-api")
    assert "no action of target checkout-api runs" in answer
    await world.approval_card("target checkout-api is frozen by @ana")
    assert "lists no target" not in answer
    mistyped = await answer_to(world, "/incident freeze target checkout-apo")
    assert "The gateway lists no target checkout-apo" in mistyped
    assert "Did you mean checkout-api?" in mistyped
    shown = await answer_to(world, "/incident freeze")
    assert "Nothing is frozen." in shown
    assert "target checkout-api is frozen by @ana" in shown
    assert "actions of target checkout-api may run again" in await answer_to(
        world, "/incident unfreeze target checkout-api", "ben"
    )
    assert "Which target?" in await answer_to(world, "/incident freeze target")
    assert "INC-9" in await answer_to(world, "/incident freeze INC-9")
