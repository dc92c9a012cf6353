"""An incident that a person acknowledges is acknowledged at PagerDuty and Opsgenie too."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.app import Bot
from bot.response.source_acknowledgements import (
    MOST_ATTEMPTS,
    PagingAccess,
    request_for,
)
from bot.steps.step import Function
from store.operations.source_acknowledgements import DueAcknowledgement
from tests.helpers.http_servers import served
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, World

PAYLOADS = Path(__file__).parent.parent / "payloads"
TOKEN, KEY = "a-pagerduty-token", "an-opsgenie-key"


@dataclass(slots=True)
class PagingServices:
    """Both APIs, which remember what they were asked. `status` is what they answer."""

    url: str = ""
    status: int = 200
    requests: list[tuple[str, str, Any, dict[str, str]]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name: request.headers.get(name, "") for name in ("Authorization", "From")}
        body = await request.json()
        self.requests.append((request.method, request.path_qs, body, headers))
        return web.json_response({"error": {"message": TOKEN}}, status=self.status)


@pytest.fixture
async def paging() -> AsyncIterator[PagingServices]:
    services = PagingServices()
    async with served(services.answer) as services.url:
        yield services


async def started(bot: StartBot, paging: PagingServices) -> Bot:
    return await bot(
        PAGERDUTY_URL=paging.url,
        PAGERDUTY_TOKEN=TOKEN,
        PAGERDUTY_FROM="bot@example.org",
        OPSGENIE_URL=f"{paging.url}/",
        OPSGENIE_API_KEY=KEY,
    )


async def step(running: Bot) -> None:
    """Do what the bot does every three seconds."""
    (run,) = (step.run for step in running.runner.steps if step.name == "acknowledge_at_sources")
    function: Function = run
    await function()


async def sends(running: Bot, http: aiohttp.ClientSession, source: str, file: str) -> None:
    body = json.loads((PAYLOADS / source / file).read_text())
    async with http.post(f"{running.http_url}/alerts/{source}", json=body) as answer:
        assert answer.status == 202


async def has_status(world: World, status: str) -> None:
    await until(
        lambda: world.rows("SELECT status FROM incidents")[0]["status"] == status, why=status
    )


async def acknowledged(world: World, running: Bot) -> None:
    await world.types("/incident ack INC-1", "ana")
    await has_status(world, "acknowledged")
    await step(running)


async def test_each_alert_that_fires_is_acknowledged_there_once(
    world: World, bot: StartBot, paging: PagingServices, http: aiohttp.ClientSession
) -> None:
    running = await started(bot, paging)
    await sends(running, http, "pagerduty", "http_firing.json")
    await world.card("Posting lags")
    await step(running)
    assert paging.requests == [], "nobody has acknowledged it yet"
    await acknowledged(world, running)
    await step(running)
    assert paging.requests == [
        (
            "PUT",
            "/incidents/PINC-cart-api",
            {"incident": {"type": "incident_reference", "status": "acknowledged"}},
            {"Authorization": f"Token token={TOKEN}", "From": "bot@example.org"},
        )
    ]
    # It fires again, and is acknowledged again: PagerDuty should know of that too.
    await sends(running, http, "pagerduty", "http_resolved.json")
    await has_status(world, "resolved")
    await sends(running, http, "pagerduty", "http_firing.json")
    await has_status(world, "open")
    await acknowledged(world, running)
    assert len(paging.requests) == 2


async def test_opsgenie_is_asked_by_the_id_of_its_alert(
    world: World, bot: StartBot, paging: PagingServices, http: aiohttp.ClientSession
) -> None:
    running = await started(bot, paging)
    paging.status = 202
    await sends(running, http, "opsgenie", "http_firing.json")
    await world.card("lag")
    await acknowledged(world, running)
    [(method, path, body, headers)] = paging.requests
    alert_id = json.loads((PAYLOADS / "opsgenie/http_firing.json").read_text())["alert"]["alertId"]
    assert (method, path) == ("POST", f"/v2/alerts/{alert_id}/acknowledge")
    assert body["note"].startswith("INC-1 was acknowledged in Slack by U")
    assert headers["Authorization"] == f"GenieKey {KEY}"


async def test_a_sender_that_is_down_is_asked_again_and_the_thread_says_when_it_never_took_it(
    world: World,
    bot: StartBot,
    paging: PagingServices,
    http: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    running = await started(bot, paging)
    paging.status = 503
    await sends(running, http, "pagerduty", "http_firing.json")
    await world.card("Posting lags")
    await acknowledged(world, running)
    await step(running)
    assert len(paging.requests) == 1, "the next attempt waits"
    for attempt in range(1, MOST_ATTEMPTS):
        assert not world.replies("note")
        world.store.tamper("UPDATE source_acknowledgements SET not_before = ''")
        await step(running)
        assert len(paging.requests) == attempt + 1
    reply = await world.reply("note")
    assert "did not take the acknowledgement (HTTP 503)" in reply.text
    await step(running)
    assert len(paging.requests) == MOST_ATTEMPTS
    assert TOKEN not in caplog.text
    assert TOKEN not in reply.text


async def test_a_sender_that_refuses_is_not_asked_again(
    world: World, bot: StartBot, paging: PagingServices, http: aiohttp.ClientSession
) -> None:
    running = await started(bot, paging)
    paging.status = 404
    await sends(running, http, "pagerduty", "http_firing.json")
    await world.card("Posting lags")
    await acknowledged(world, running)
    assert "(HTTP 404)" in (await world.reply("note")).text
    await step(running)
    assert len(paging.requests) == 1


@pytest.mark.attack("ASI02")
async def test_a_message_in_slack_chooses_nothing_at_a_paging_service(
    world: World, bot: StartBot, paging: PagingServices
) -> None:
    """Anybody who can post into the channel could name the incident of another team."""
    running = await started(bot, paging)
    event = {"text": "Triggered #12: <https://acme.pagerduty.com/incidents/PVICTIM|it burns>"}
    await world.slack.post_as_app("PagerDuty", ALERTS, **event)
    await world.card("it burns")
    await acknowledged(world, running)
    assert paging.requests == []


@pytest.mark.attack("ASI05")
@pytest.mark.parametrize(
    "remote_id",
    ["", "..", "a/b", "../users/U1", "P1?x=1", "P1#", "P 1", "P1\r\nX: 1", "é", "P" * 101],
)
@pytest.mark.parametrize("source", ["pagerduty", "opsgenie"])
def test_an_id_that_would_change_the_path_is_not_sent(source: str, remote_id: str) -> None:
    labels = {"incident": remote_id, "alert_id": remote_id}
    item = DueAcknowledgement("f", 1, "", 0, "U1", source, labels)
    access = PagingAccess("http://p", TOKEN, "a@b.c", "http://o", KEY)
    assert request_for(item, access) is None
