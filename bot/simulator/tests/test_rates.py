"""Slack's rate limits, when they are on: one post a second a channel, tiers for the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from ..clock import ManualClock
from ..local import LocalSlack
from ..rates import TIERS, RateLimits
from ..web_api import METHODS

ALERTS, OPS = "C0ALERTS01", "C0OPS00001"


@pytest.fixture
async def strict(clock: ManualClock) -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start(clock=clock, limits=RateLimits()) as slack:
        yield slack


async def call(slack: LocalSlack, method: str, **args: Any) -> tuple[int, str, int]:
    """(HTTP status, error, Retry-After)."""
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(slack.api_url + method, json=args, headers=headers) as answer,
    ):
        body = await answer.json()
        wait = answer.headers.get("Retry-After", "0")
        return answer.status, body.get("error", ""), int(wait)


async def post(slack: LocalSlack, channel: str = ALERTS) -> int:
    return (await call(slack, "chat.postMessage", channel=channel, text="x"))[0]


async def test_a_channel_takes_one_post_a_second_and_other_channels_are_free(
    strict: LocalSlack, clock: ManualClock
) -> None:
    began = clock.now()
    assert await post(strict) == 200
    assert await call(strict, "chat.postMessage", channel="#alerts", text="x") == (
        429,
        "ratelimited",
        1,
    )
    assert await post(strict, OPS) == 200
    clock.advance(0.9)
    assert await post(strict) == 429
    clock.advance(0.1)
    assert await post(strict) == 200
    assert [(p.at - began, p.channel) for p in strict.posts] == [
        (0, ALERTS),
        (0, OPS),
        (pytest.approx(1), ALERTS),
    ]
    assert [(r.method, r.channel, r.retry_after) for r in strict.limited] == [
        ("chat.postMessage", ALERTS, 1),
        ("chat.postMessage", ALERTS, 1),
    ]
    assert len(strict.messages("alerts")) == 2


async def test_a_burst_may_be_allowed_and_is_paid_back(clock: ManualClock) -> None:
    limits = RateLimits(burst=3)
    async with LocalSlack.start(clock=clock, limits=limits) as slack:
        assert [await post(slack) for _ in range(4)] == [200, 200, 200, 429]
        clock.advance(1)
        assert [await post(slack) for _ in range(2)] == [200, 429]
        clock.advance(60)
        assert [await post(slack) for _ in range(4)] == [200, 200, 200, 429]


async def test_a_refused_post_costs_nothing(strict: LocalSlack) -> None:
    assert (await call(strict, "chat.postMessage", channel=ALERTS))[1] == "no_text"
    assert await post(strict) == 200


async def test_all_channels_together_may_have_a_limit_too(clock: ManualClock) -> None:
    async with LocalSlack.start(clock=clock, limits=RateLimits(posts_per_minute=2)) as slack:
        assert [await post(slack, c) for c in (ALERTS, OPS, "G0SECRET01")] == [200, 200, 429]
        assert slack.limited[-1].retry_after == 60


async def test_a_webhook_has_its_own_second(
    strict: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    assert await post(strict) == 200
    url = strict.webhook_url("alerts")
    statuses = []
    for wait in (0, 0, 1):
        clock.advance(wait)
        async with http.post(url, json={"text": "x"}) as answer:
            statuses.append((answer.status, answer.headers.get("Retry-After")))
    assert statuses == [(200, None), (429, "1"), (200, None)]
    assert [p.by for p in strict.posts] == ["B0SOPBOT01", "B0ALERTMA", "B0ALERTMA"]
    assert [(r.method, r.channel) for r in strict.limited] == [("webhook", ALERTS)]


@pytest.mark.parametrize(
    ("method", "args", "most"),
    [
        ("users.list", {}, 20),
        ("conversations.history", {"channel": ALERTS}, 50),
        ("chat.postEphemeral", {"channel": ALERTS, "user": "U0ANA00001", "text": "x"}, 100),
    ],
)
async def test_each_method_has_as_many_calls_a_minute_as_its_tier(
    strict: LocalSlack, clock: ManualClock, method: str, args: dict[str, str], most: int
) -> None:
    for _ in range(most):
        assert (await call(strict, method, **args))[0] == 200
        clock.advance(0.1)
    left = 60 - round(most * 0.1)
    assert await call(strict, method, **args) == (429, "ratelimited", left)
    assert (await call(strict, "auth.test"))[0] == 200, "another method is not touched"
    clock.advance(left)
    assert (await call(strict, method, **args))[0] == 200


async def test_without_limits_nothing_is_refused_and_posts_are_still_counted(
    slack: LocalSlack,
) -> None:
    assert [await post(slack) for _ in range(5)] == [200] * 5
    assert len(slack.posts) == 5
    slack.limits = RateLimits()
    assert [await post(slack) for _ in range(2)] == [200, 429]
    slack.limits = None
    assert await post(slack) == 200


def test_every_tier_is_of_a_method_that_the_local_slack_has() -> None:
    assert set(TIERS) <= set(METHODS)
