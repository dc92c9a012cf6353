"""One idempotency key is one execution and one answer, however often it is sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.errors import GatewayRejected
from bot.gateway.errors import Refusal
from bot.gateway.journal import Execution, Journal
from bot.remediation import contract
from bot.remediation.client import NeverSeen
from bot.remediation.contract import rfc3339

from .conftest import RESTART, SLOW


async def test_twenty_identical_requests_at_once_run_once_and_get_one_answer(start, service):
    desk = await start({"checkout-api": service()})
    outcomes = await asyncio.gather(*(desk.client.execute(RESTART, key="same") for _ in range(20)))
    assert len({outcome.request_id for outcome in outcomes}) == 1
    assert outcomes[0].state == "succeeded"
    assert "restarts: 1," in await desk.status("checkout-api")


async def test_a_repeat_gets_the_stored_answer_even_when_the_plan_has_drifted(start, service):
    desk = await start({"checkout-api": service()})
    plan = await desk.client.plan(RESTART)
    first = await desk.client.execute(RESTART, key="k1", digest=plan.digest)
    repeat = await desk.client.execute(RESTART, key="k1", digest=plan.digest)
    assert repeat == first == await desk.client.lookup("k1")
    assert "restarts: 1," in await desk.status("checkout-api")


async def test_a_key_of_another_request_is_refused(start, service):
    desk = await start({"checkout-api": service()})
    await desk.client.execute(RESTART, key="k1")
    with pytest.raises(GatewayRejected, match="belongs to another request") as caught:
        await desk.client.execute(SLOW, key="k1")
    assert caught.value.status == 422
    assert "restarts: 1," in await desk.status("checkout-api")


@pytest.mark.attack("ASI07")
async def test_a_key_barred_by_a_lookup_runs_nothing(start, service):
    desk = await start({"checkout-api": service()}, state="one")
    assert await desk.client.lookup("k1") == NeverSeen()
    assert await desk.client.lookup("k1", bar=True) == NeverSeen(barred=True)
    with pytest.raises(GatewayRejected, match="Nothing was run"):
        await desk.client.execute(RESTART, key="k1")
    assert (await desk.client.execute(RESTART, key="k2")).state == "succeeded"
    assert (await desk.client.lookup("k2", bar=True)).state == "succeeded"
    assert "restarts: 1," in await desk.status("checkout-api")


@pytest.mark.attack("ASI07")
async def test_the_bar_survives_the_journals_end(tmp_path, clock):
    now = clock()
    first = await Journal.open(tmp_path)
    assert await first.find_or_bar("k1", "sopbot", now) is None
    await first.close()
    second = await Journal.open(tmp_path)
    row = Execution(
        "sopbot", "k1", "r", "h", "service.restart", "api", "running", rfc3339(now), "", ""
    )
    with pytest.raises(Refusal, match="barred"):
        await second.begin(row, "digest")
    assert await second.begin(replace(row, source_id="other"), "digest") is None
    await second.close()


async def test_a_repeat_with_more_context_is_the_same_request(start, service):
    desk = await start({"checkout-api": service()})
    plan = await desk.client.plan(RESTART)
    first = await desk.client.execute(RESTART, key="k1", digest=plan.digest)
    later = replace(RESTART, context="Duration: 9 min", priority=contract.Priority.LOW)
    assert await desk.client.execute(later, key="k1", digest=plan.digest) == first
    assert "restarts: 1" in await desk.status("checkout-api")
