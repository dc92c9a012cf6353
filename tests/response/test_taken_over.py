"""Two who look after one thing: the second look, the former owner, the claim without answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.incidents.remediation import RemediationStatus
from bot.remediation.client import NeverSeen
from store import open_store
from store.replica import Replica
from tests.response.test_dispatching import Bench
from tests.store.shop import AUDIT_KEY, later


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    store = await open_store("sqlite://", owner="bot-a", audit_key=AUDIT_KEY)
    yield Bench(store)
    await store.close()


@pytest.mark.parametrize("where", ["while it is looked up", "while it is sent"])
async def test_what_is_taken_over_long_after_its_claim_is_not_called_failed_meanwhile(
    bench: Bench, where: str
) -> None:
    await bench.claimed_by(bench.dead)
    bench.now = later(300)  # so late that the claim looks stuck
    inside, on = asyncio.Event(), asyncio.Event()

    async def stand_still() -> None:
        if not inside.is_set():
            inside.set()
            await on.wait()

    async def lookup(_key: str, *, tracking_id: str = "") -> NeverSeen:
        await stand_still()
        return NeverSeen()

    execute = bench.gateway.execute

    async def slow(*given: Any, **more: Any) -> Any:
        await stand_still()
        return await execute(*given, **more)

    if where == "while it is looked up":
        bench.gateway.lookup = lookup  # type: ignore[method-assign]
    else:
        bench.gateway.execute = slow  # type: ignore[method-assign]
    recovering = asyncio.create_task(bench.story.dispatches.recover())
    await inside.wait()
    await bench.story.dispatches.look_up_unknown()
    on.set()
    await recovering
    assert len(bench.gateway.sent) == 1
    assert await bench.state() is RemediationStatus.SUCCEEDED


async def test_what_a_replica_claimed_and_did_not_send_is_sent_after_a_while(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.approved()
    with monkeypatch.context() as frozen:
        frozen.setattr(Replica, "holds", False)
        assert await bench.dispatch()
    assert bench.gateway.sent == []
    await bench.story.dispatches.recover()
    assert bench.gateway.sent == [], "it may be on its way this moment"
    bench.now = later(30)
    await bench.story.dispatches.recover()
    assert len(bench.gateway.sent) == 1
    assert await bench.state() is RemediationStatus.SUCCEEDED
