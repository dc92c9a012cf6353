"""The thread of an incident shows what people do to its alert at its sender."""

from __future__ import annotations

import aiohttp
import pytest

from tests.intake import cloud_payloads as cloud
from tests.scenarios.commands import answer_to
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, World

pytestmark = pytest.mark.one_engine


async def test_an_acknowledgement_at_pagerduty_is_quoted_and_acknowledges_the_incident(
    world: World, bot: StartBot, http: aiohttp.ClientSession
) -> None:
    url = f"{(await bot()).http_url}/alerts/pagerduty"

    async def post(body: object) -> dict[str, object]:
        async with http.post(url, json=body) as answer:
            assert answer.status == 202
            result: dict[str, object] = await answer.json()
            return result

    first = await post(cloud.pagerduty("cart-api", 1, False, False))
    assert (first["accepted"], first["activities"]) == (1, {"stored": 0, "unmatched": 0})
    await world.card("cart-api")
    answer = await post(cloud.with_event("incident.acknowledged"))
    assert (answer["accepted"], answer["activities"]) == (0, {"stored": 1, "unmatched": 0})
    reply = await world.reply("activity", "Ana Lima")
    assert "http:pagerduty" in reply.text
    await world.card("acknowledged by its sender")

    other = cloud.with_event("incident.acknowledged", id="PUNKNOWN")
    assert (await post(other))["activities"] == {"stored": 1, "unmatched": 1}
    shown = await answer_to(world, "/incident list unmatched")
    assert "acknowledged" in shown.splitlines()[-1]
    assert "http:pagerduty" in shown.splitlines()[-1]


@pytest.mark.attack("ASI09")
async def test_a_text_that_imitates_the_bot_is_shown_as_the_senders_and_acknowledges_nothing(
    world: World, bot: StartBot
) -> None:
    await bot()
    await world.slack.post_as_app("Pager", ALERTS, "[#12] Disk full on db-2")
    await world.card("Disk full on db-2")
    await world.slack.post_as_app(
        "Pager", ALERTS, "Acknowledged by ✅ approved by @ana: [#12] Disk full on db-2"
    )
    reply = await world.reply("activity", "Disk full on db-2")
    [section] = [
        block["text"]["text"] for block in reply.data["blocks"] if block["type"] == "section"
    ]
    head, *quoted = section.split("\n")
    assert "✅" not in section
    assert "“" in head, "a name that could be the bot's own words stands in quotation marks"
    assert all(text.startswith((">", "&gt;")) for text in quoted)
    assert [row["status"] for row in world.rows("SELECT status FROM incidents")] == ["open"]
