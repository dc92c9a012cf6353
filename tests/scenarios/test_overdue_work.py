"""The watchdog checks the bot's work each minute and reports overdue work."""

from __future__ import annotations

import aiohttp

from bot.app import Bot
from bot.simulator import Message
from tests.helpers.clocks import RunningClock
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, World, kind

OPS = "C0OPS00001"


def notices(world: World) -> list[Message]:
    return [m for m in world.slack.messages(OPS) if kind(m) == "stuck"]


async def readyz(bot: Bot, http: aiohttp.ClientSession) -> tuple[int, dict[str, str]]:
    await bot.health.check()
    async with http.get(f"{bot.http_url}/readyz") as answer:
        return answer.status, (await answer.json())["checks"]["work"]


async def test_a_card_that_cannot_be_posted_is_reported_until_it_is(
    world: World, bot: StartBot, clock: RunningClock, http: aiohttp.ClientSession
) -> None:
    running = await bot(SLACK_OPS_CHANNEL=OPS)
    await running._watchdog.run()
    assert (await readyz(running, http))[0] == 200
    plan = world.slack.script.fail("chat.postMessage", "a_new_error", times=None, channel=ALERTS)
    await world.alert("web")
    await world.slack.wait_for(lambda: world.slack.struck, why="the card is refused")
    clock.forward(301)
    await running._watchdog.run()
    await world.slack.wait_for(
        lambda: notices(world), why="the notice in the ops channel", channel=OPS
    )
    assert "INC-1" in notices(world)[0].text + str(notices(world)[0].data["blocks"])
    _, check = await readyz(running, http)
    assert check["state"] == "failing"
    assert "open incidents without a card" in check["reason"]
    text = running.metrics.text().decode()
    assert 'sopbot_stuck{what="card"} 1.0' in text
    assert 'sopbot_stuck{what="dispatch"} 0.0' in text

    world.slack.script.cancel(plan)
    clock.forward(301)
    await world.card("web")
    await world.quiet()
    await running._watchdog.run()
    await world.slack.wait_for(
        lambda: "Nothing is stuck" in notices(world)[0].text, why="it is taken back", channel=OPS
    )
    assert len(notices(world)) == 1, "one message, changed in place"
    assert (await readyz(running, http))[1]["state"] == "ok"


async def test_a_channel_that_is_archived_shows_its_incident_in_the_ops_channel_and_keeps_it_true(
    world: World, bot: StartBot
) -> None:
    world.write_sops()
    running = await bot(SLACK_OPS_CHANNEL=OPS)
    world.slack.script.fail("chat.*", "is_archived", times=None, channel=ALERTS)
    await world.alert("web")

    def shown() -> Message | None:
        messages = [m for m in world.slack.messages(OPS) if kind(m) == "undelivered"]
        return messages[0] if messages else None

    card = await world.slack.wait_for(shown, why="the card in the ops channel", channel=OPS)
    assert "CRITICAL" in card.text
    assert "is_archived" in card.text
    await world.slack.as_user("ana").press(card, "Acknowledge")
    await world.slack.wait_for(
        lambda: (now := shown()) and "acknowledged" in str(now.data["blocks"]),
        why="it follows what happens",
        channel=OPS,
    )
    await running._watchdog.run()
    assert running.metrics.registry.get_sample_value("sopbot_stuck", {"what": "undelivered"})


async def test_a_revoked_token_makes_the_bot_unready_immediately(
    world: World, bot: StartBot, http: aiohttp.ClientSession
) -> None:
    running = await bot()
    world.slack.script.fail("chat.postMessage", "token_revoked", times=None)
    await world.alert("web")
    await until(lambda: running.outbox._slack.refusal, why="the token is refused")
    await running.health.check("outbox")
    async with http.get(f"{running.http_url}/readyz") as answer:
        outbox = (await answer.json())["checks"]["outbox"]
    assert outbox["state"] == "failing"
    assert "token_revoked" in outbox["reason"]
