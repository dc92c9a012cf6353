"""The Home tab: what waits for a person, what they own and what is open, and acting from there."""

from __future__ import annotations

import json

import pytest

from tests.scenarios.starting import StartBot
from tests.scenarios.world import BEN, Gateway, World

pytestmark = pytest.mark.one_engine


def shown(world: World, who: str) -> str:
    """All that a person's Home tab shows, as JSON text."""
    view = world.slack.home(who)
    return json.dumps(view["blocks"], ensure_ascii=False) if view else ""


async def home(world: World, who: str, *texts: str) -> str:
    """The Home tab, once it shows all these texts."""
    return await world.slack.wait_for(
        lambda: text if all(t in (text := shown(world, who)) for t in texts) else "",
        why=f"{who}'s Home tab shows {texts}; it shows {shown(world, who)}",
    )


async def test_a_person_acknowledges_and_approves_from_the_home_tab(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    started = await bot()
    await world.leaky_service.make_unhealthy()
    await world.slack.as_user("ben").open_home()
    await home(world, "ben", "No open incidents.", "Nothing waits for your approval.")

    await world.alert()
    card = await world.card()
    await world.approval_card("awaiting approval")
    await world.quiet()
    # By the clock it is half a minute until the tab is checked again.
    world.store.tamper("UPDATE home_tabs SET checked_at = ''")
    await started.home_tabs.refresh()
    text = await home(world, "ben", "1 open incident", "Waiting for your approval (1)", "INC-1")
    assert f"/archives/{card.channel}/p{card.ts.replace('.', '')}" in text

    tab = world.slack.home("ben")
    assert tab is not None
    assert (await world.slack.as_user("ben").press(tab, "Acknowledge")).acked
    await home(world, "ben", "Yours (1)")
    await world.card("acknowledged by")

    assert (await world.slack.as_user("ben").press(world.slack.home("ben"), "Approve")).acked
    await home(
        world,
        "ben",
        "Nothing waits for your approval.",
        "Approved: Restart checkout-api. Its result",
    )
    await world.approval_card("approved")
    await world.result("Verified")
    assert world.leaky_service.restarts == 1


@pytest.mark.attack("ASI03")
async def test_an_approval_counts_from_the_home_tab_only_as_it_would_from_its_card(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await bot()
    await world.alert()
    await world.approval_card("awaiting approval")
    for who in ("ana", "ben"):
        await world.slack.as_user(who).open_home()
    await home(world, "ana", "Nothing waits for your approval.", "INC-1")
    tab = await home(world, "ben", "Waiting for your approval (1)")
    assert BEN in tab

    await world.types("/incident freeze on maintenance", "chloe")
    view = world.slack.home("ben")
    assert view is not None
    await world.slack.as_user("ben").press(view, "Approve")
    await home(world, "ben", "Not counted", "Frozen by", "Nobody can approve")
    assert 'Approve"' not in shown(world, "ben")
    assert world.leaky_service.restarts == 0


@pytest.mark.attack("ASI03")
async def test_people_of_another_workspace_see_no_incident_on_the_home_tab(
    world: World, one_open: None
) -> None:
    world.slack.change_user("chloe", team_id="T0STRANGE1")
    await world.slack.as_user("chloe").open_home()
    text = await home(world, "chloe", "Not done")
    assert "INC-1" not in text
