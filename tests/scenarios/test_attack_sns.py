"""Forged AWS SNS notifications are shown as unverified, and resolve no incident."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from bot.app import Bot
from bot.settings import load
from tests.helpers.amazon_sns import ACCOUNT, CERTIFICATE_URL, Sns
from tests.helpers.clocks import RunningClock
from tests.scenarios.world import World

pytestmark = [pytest.mark.attack("ASI07"), pytest.mark.one_engine]

NOT_VERIFIED = "SNS signature not verified"


@pytest.fixture
def amazon() -> Sns:
    return Sns()


Post = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


@pytest.fixture
async def post(
    world: World, clock: RunningClock, amazon: Sns, http: aiohttp.ClientSession
) -> AsyncIterator[Post]:
    """Post a body to the running bot's /alerts/cloudwatch."""
    async with AsyncExitStack() as stack:
        settings = load(world.settings(), world.folder / "no.env")
        running = await stack.enter_async_context(
            Bot(settings, clock=clock, fetch_certificate=amazon.fetch)
        )

        async def send(body: dict[str, Any]) -> dict[str, Any]:
            async with http.post(f"{running.http_url}/alerts/cloudwatch", json=body) as answer:
                assert answer.status == 202, await answer.text()
                return dict(await answer.json())

        yield send


def senders(world: World) -> list[str]:
    return [row["sender"] for row in world.rows("SELECT sender FROM alerts ORDER BY id")]


def status(world: World) -> str:
    (row,) = world.rows("SELECT status FROM incidents")
    return str(row["status"])


async def test_a_verified_alarm_opens_an_incident_and_its_resolve_ends_it(
    world: World, post: Post, amazon: Sns
) -> None:
    await post(amazon.alarm())
    card = await world.card()
    await post(amazon.alarm("OK", version="1"))
    await world.resolved("the alert cleared")
    assert senders(world) == [f"http:cloudwatch-{ACCOUNT}"] * 2
    assert NOT_VERIFIED not in card.text
    assert amazon.fetched == [CERTIFICATE_URL], "the second came from the cache"


@pytest.mark.parametrize("forged", ["unsigned", "tampered", "of another account"])
async def test_an_unverified_resolve_does_not_clear_a_verified_alert(
    forged: str, world: World, post: Post, amazon: Sns
) -> None:
    await post(amazon.alarm())
    await world.card()
    resolve = amazon.alarm("OK")
    if forged == "unsigned":
        del resolve["Signature"]
    elif forged == "tampered":
        resolve = amazon.alarm() | {"Message": resolve["Message"]}
    else:
        resolve = amazon.alarm("OK", TopicArn="arn:aws:sns:eu-west-1:999999999999:theirs")
    assert (await post(resolve))["accepted"] == 1, "it is never refused"
    await world.reply("note", "Nothing is cleared")
    await world.quiet()
    assert (status(world), world.replies("resolved")) == ("open", [])
    await post(amazon.alarm("OK"))
    await world.resolved("the alert cleared")


async def test_an_alarm_whose_certificate_cannot_be_fetched_is_shown_as_unverified(
    world: World, post: Post, amazon: Sns
) -> None:
    amazon.certificates.clear()
    await post(amazon.alarm())
    card = await world.card()
    assert f"{NOT_VERIFIED}: the certificate of SNS could not be fetched" in card.text
    assert senders(world) == ["http:cloudwatch-unverified"]


@pytest.mark.parametrize("verified", [True, False])
async def test_only_a_verified_subscription_gets_the_button_that_confirms_it(
    verified: bool, world: World, post: Post, amazon: Sns
) -> None:
    body = amazon.confirmation()
    await post(body if verified else body | {"Token": "t-2"})
    card = await world.card()
    assert ("sns.eu-west-1.amazonaws.com ↗" in card.buttons) is verified
    assert len(card.buttons) == (5 if verified else 4)
    assert (NOT_VERIFIED in card.text) is not verified


async def test_a_verified_message_that_is_posted_again_is_a_duplicate(
    post: Post, amazon: Sns
) -> None:
    body = amazon.alarm()
    assert (await post(body))["duplicates"] == 0
    assert (await post(body))["duplicates"] == 1
