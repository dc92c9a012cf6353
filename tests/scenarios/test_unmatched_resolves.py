"""A resolve that matches nothing open is kept, and people can list it."""

from __future__ import annotations

import aiohttp
import pytest

from tests.scenarios.commands import answer_to
from tests.scenarios.http_caller import firing, webhook
from tests.scenarios.starting import StartBot
from tests.scenarios.world import World

pytestmark = pytest.mark.one_engine


async def test_a_resolve_that_matches_nothing_open_is_listed(
    world: World, bot: StartBot, http: aiohttp.ClientSession
) -> None:
    running = await bot()
    assert "No unmatched resolves" in await answer_to(world, "/incident list unmatched")
    unmatched = firing("cart-api") | {"status": "resolved", "endsAt": "2026-11-21T03:30:00Z"}
    async with http.post(
        f"{running.http_url}/alerts/alertmanager", json=webhook(unmatched, firing("search"))
    ) as answer:
        tracking_id = (await answer.json())["tracking_ids"][0]
    await world.card("search is down")
    await world.quiet()
    shown = await answer_to(world, "/incident list unmatched")
    (line,) = [line for line in shown.splitlines() if tracking_id in line]
    assert "cart-api is down" in line
    assert "from http:alertmanager" in line
    assert "search" not in shown, "an alert that opened an incident is not in the list"

    async with http.get(f"{running.http_url}/api/v3/unmatched") as answer:
        (item,) = (await answer.json())["resolves"]
    assert (item["tracking_id"], item["service"]) == (tracking_id, "cart-api")
    assert item["sender"] == "http:alertmanager"

    await world.resolves("wiki")
    await world.slack.wait_for(
        lambda: len(world.rows("SELECT 1 FROM alerts WHERE status = 'resolved'")) == 2,
        why="the second resolve is stored",
    )
    lines = (await answer_to(world, "/incident list unmatched")).splitlines()
    assert "wiki" in lines[1], "the newest first"
