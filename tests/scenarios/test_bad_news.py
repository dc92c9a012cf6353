"""Bad news comes as a new message in the thread, once, and mentions whom it concerns."""

from __future__ import annotations

import pytest
from aiohttp import web

from bot.simulator import Message
from tests.helpers.clocks import RunningClock
from tests.helpers.slack_faults import HttpProxy
from tests.scenarios.starting import StartBot
from tests.scenarios.world import BEN, CHLOE, Gateway, World

pytestmark = pytest.mark.one_engine

RESTART = "Restart checkout-api"


def news(world: World) -> list[Message]:
    return world.replies("news")


async def test_approvers_are_told_once_of_an_incident_that_nobody_acknowledges(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    world.write_policy(BEN, CHLOE, propose_from_sop=False)
    await bot()
    await world.alert()
    await world.card("CRITICAL")
    assert news(world) == []
    clock.forward(301)
    reply = await world.reply("news", "Nobody has acknowledged INC-1")
    assert "@ben, @chloe" in reply.text
    assert f"<@{BEN}>" in reply["text"], "the fallback text notifies"
    card = await world.card("Nobody has acknowledged INC-1")
    await world.press(card, "Acknowledge", "ana")
    card = await world.card("acknowledged by @ana")
    assert "Nobody" not in card.text, "it is no longer so"
    assert len(news(world)) == 1


async def test_the_channel_is_told_that_a_critical_incident_fires_again(
    world: World, bot: StartBot
) -> None:
    world.write_policy(
        BEN, propose_from_sop=False, segments={"correlate": {"flapping_changes": 100}}
    )
    await bot()
    await world.alert()
    await world.card("CRITICAL")
    await world.resolves()
    assert (await world.resolved()).data["subtype"] == "thread_broadcast"
    await world.alert()
    reopened = await world.reply("news", "INC-1 fires again")
    assert reopened.data["subtype"] == "thread_broadcast", "the channel was told that it is over"
    await world.resolves()
    await world.resolved(which=2)
    await world.alert(severity="high")
    reopened = await world.reply("news", "INC-1 fires again", which=2)
    assert "subtype" not in reopened.data, "only the thread is told of what is not critical"


async def test_an_expired_approval_is_announced_to_its_approvers(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    world.write_policy(BEN)
    await bot()
    await world.alert()
    card = await world.card(f"approval waiting: {RESTART}")
    assert "(needs 1 approval: @ben)" in card.text
    approval = await world.approval_card("awaiting approval")
    link = f"p{approval.ts.replace('.', '')}?thread_ts={card.ts}"
    await world.slack.wait_for(
        lambda: link in str(world.cards()[0].data), why="the card links to the approval"
    )
    await world.press(card, "Acknowledge", "ana")
    await world.card("acknowledged by @ana")
    clock.forward(901)
    reply = await world.reply("news", f"{RESTART}: the approval expired")
    assert "@ana, @ben" in reply.text, "who looks after it, and who could have approved"
    card = await world.card("the approval expired")
    assert "approval waiting" not in card.text
    assert len(news(world)) == 1


async def test_a_higher_severity_is_a_new_message_to_the_person_who_acknowledged(
    world: World, bot: StartBot
) -> None:
    await bot()
    await world.alert(severity="warning", service="search-api")
    await world.press(await world.card("MEDIUM"), "Acknowledge", "ana")
    await world.card("acknowledged by @ana")
    await world.alert(severity="critical", service="search-api", name="AllDown")
    reply = await world.reply("news", "INC-1 got worse: medium → critical")
    assert "@ana" in reply.text
    assert "got worse" in (await world.card("CRITICAL")).text


@pytest.mark.attack("ASI08")
async def test_an_alert_that_changes_back_and_forth_is_announced_once_a_severity(
    world: World, bot: StartBot
) -> None:
    await bot()
    await world.alert(severity="warning", service="search-api")
    await world.card("MEDIUM")
    for _ in range(5):
        await world.alert(severity="critical", service="search-api", name="SearchDown")
        await world.card("CRITICAL")
        await world.resolves(severity="critical", service="search-api", name="SearchDown")
        await world.card("MEDIUM")
    await world.quiet()
    assert len(news(world)) == 1


async def test_an_unknown_outcome_is_announced_and_leaves_the_card_once_known(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    async with HttpProxy.before(world.gateway_url) as proxy:
        done = True

        async def on_request(request: web.Request) -> bool:
            return not done or not request.path.startswith("/executions/")

        async def on_answer(request: web.Request) -> bool:
            return request.path != "/execute"

        proxy.on_request, proxy.on_answer = on_request, on_answer
        world.gateway_url = proxy.url
        await bot()
        await world.alert()
        await world.press(await world.approval_card(), "Approve", "ben")
        reply = await world.reply("news", f"{RESTART}: outcome unknown")
        assert "@ben" in reply.text
        assert "outcome unknown" in (await world.card(f"{RESTART}: outcome unknown")).text
        done = False
        await world.press(await world.approval_card("outcome unknown"), "Check again", "ana")
        await world.result("Verified")
        await world.card("helped: ")
        await world.quiet()
        assert "outcome unknown" not in (await world.card()).text
        (reply,) = news(world)
        assert "the outcome is known now: ran" in reply.text
        assert "@ben" not in reply.text
