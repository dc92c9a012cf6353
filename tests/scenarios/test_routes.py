"""Alerts by HTTP reach the channel that the policy's routes choose for each of them."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from bot.simulator import Channel
from tests.scenarios.http_caller import firing, webhook
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, BEN, World, kind

pytestmark = pytest.mark.one_engine

SHOP, DATABASES = "C0SHOP0001", "C0DBTEAM01"
CHANNELS = {"SLACK_ALERT_CHANNELS": f"{ALERTS},{SHOP},{DATABASES}"}


def write_routes(world: World, *routes: tuple[dict[str, Any], str]) -> None:
    listed = [{"match": match, "channel": channel} for match, channel in routes]
    segments = {"ingest": {"routes": listed}, "notify": {"post_interval_seconds": 0}}
    world.write_policy(BEN, segments=segments)


@pytest.fixture
def channels(world: World) -> None:
    """Two channels of teams, with the bot in them."""
    for channel, name in ((SHOP, "shop"), (DATABASES, "databases")):
        bot = world.slack.core.workspace.app.user_id
        world.slack.add_channel(Channel(channel, name, {bot}))


async def post(http: aiohttp.ClientSession, url: str, body: Any) -> dict[str, Any]:
    async with http.post(url, json=body) as answer:
        return {"status": answer.status} | await answer.json()


def titles(world: World, channel: str) -> list[str]:
    return [message.text for message in world.slack.messages(channel) if kind(message) == "card"]


async def test_each_alert_of_one_webhook_goes_to_the_channel_of_its_route(
    world: World, bot: StartBot, http: aiohttp.ClientSession, channels: None
) -> None:
    write_routes(
        world,
        ({"service": "cart-*", "env": "production"}, SHOP),
        ({"label.team": "db", "severity": ["critical", "high"]}, DATABASES),
    )
    running = await bot(**CHANNELS)
    body = webhook(firing("cart-api"), firing("ledger", team="db"), firing("search"))
    answer = await post(http, f"{running.http_url}/alerts/alertmanager", body)
    assert (answer["status"], answer["accepted"]) == (202, 3)
    assert "cart-api is down" in (await world.card(channel=SHOP)).text
    assert "ledger is down" in (await world.card(channel=DATABASES)).text
    assert "search is down" in (await world.card(channel=ALERTS)).text
    await world.quiet()
    assert [len(titles(world, channel)) for channel in (ALERTS, SHOP, DATABASES)] == [1, 1, 1]

    # Of an incident that is open, reminders and the end go to its own thread, wherever routes lead.
    write_routes(world, ({"service": "*"}, DATABASES))
    running.reload()
    ended = firing("cart-api") | {"status": "resolved", "endsAt": "2026-11-21T03:30:00Z"}
    await post(http, f"{running.http_url}/alerts/alertmanager", webhook(ended))
    await world.slack.wait_for(
        lambda: world.replies("resolved", channel=SHOP), why="the thread in its channel ends"
    )
    await post(http, f"{running.http_url}/alerts/alertmanager", webhook(firing("search-2")))
    assert "search-2 is down" in (await world.card(number=2, channel=DATABASES)).text


async def test_an_alert_with_a_prompt_is_routed_too(
    world: World, bot: StartBot, http: aiohttp.ClientSession, channels: None
) -> None:
    write_routes(world, ({"severity": "critical"}, SHOP))
    running = await bot(**CHANNELS)
    alert = {"service": "cart", "env": "prod", "severity": "critical", "title": "it is down"}
    answer = await post(http, f"{running.http_url}/incident", alert)
    assert answer["status"] == 200
    assert "it is down" in (await world.card(channel=SHOP)).text


async def test_an_alert_in_slack_stays_in_its_channel(
    world: World, bot: StartBot, channels: None
) -> None:
    write_routes(world, ({"service": "*"}, SHOP))
    await bot(**CHANNELS)
    await world.alert()
    await world.card(channel=ALERTS)
    await world.quiet()
    assert titles(world, SHOP) == []


async def test_a_reload_with_a_route_that_can_never_match_keeps_the_routes(
    world: World, bot: StartBot, http: aiohttp.ClientSession, channels: None
) -> None:
    write_routes(world, ({"service": "cart"}, SHOP))
    running = await bot(**CHANNELS)
    write_routes(world, ({"service": "cart", "env": "prodd"}, DATABASES))
    running.reload()
    await post(http, f"{running.http_url}/alerts/alertmanager", webhook(firing("cart")))
    assert "cart is down" in (await world.card(channel=SHOP)).text
