"""A deploy that is reported by HTTP is the probable cause of an alert soon after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.http_caller import StartWithHttp, firing, webhook
from tests.scenarios.world import World

pytestmark = pytest.mark.one_engine


async def test_a_deploy_stands_on_the_card_in_the_thread_and_before_the_advisor(
    start_with_http: StartWithHttp, world: World
) -> None:
    at = await start_with_http()
    now = datetime.now(UTC)
    when = (now - timedelta(minutes=6)).isoformat()
    body = {
        "service": "checkout-api",
        "version": "v1.4.2",
        "env": "production",
        "at": when,
        "by": "*ana*",
        "url": "https://ci.example/7",
    }
    assert await at.post("/deploys", body) == (202, {"accepted": 1, "duplicates": 0})
    assert await at.post("/deploys", body) == (202, {"accepted": 0, "duplicates": 1})
    assert (await at.post("/deploys", body, Authorization="Bearer wrong"))[0] == 401
    status, answer = await at.post("/deploys", {"version": "1"})
    assert (status, answer["error"]["code"]) == (400, "invalid")
    await at.post("/alerts/alertmanager", webhook(firing() | {"startsAt": now.isoformat()}))
    card = await world.card("probable cause: deploy of checkout-api v1.4.2 by ∗ana∗")
    await world.quiet()
    (known,) = world.replies("evidence")
    assert "deploy: probable cause" in known.text
    assert "https://ci.example/7" in known.text
    assert card.text.count("probable cause") == 1
