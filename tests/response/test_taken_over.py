"""Two who look after one thing: the second look, the former owner, the claim without answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.incidents.remediation import RemediationStatus
from bot.remediation.client import NeverSeen, Outcome, Running
from handlers.views.approval import approval_card
from handlers.views.result import result
from store.replica import Replica
from tests.helpers.builders import later
from tests.helpers.incident_bench import Bench
from tests.helpers.stores import executions_of


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

    async def lookup(_key: str, *, tracking_id: str = "", bar: bool = False) -> NeverSeen:
        await stand_still()
        return NeverSeen()

    execute = bench.gateway.execute

    async def slow(*value: Any, **more: Any) -> Any:
        await stand_still()
        return await execute(*value, **more)

    if where == "while it is looked up":
        bench.gateway.lookup = lookup  # type: ignore[method-assign]
    else:
        bench.gateway.execute = slow  # type: ignore[method-assign]
    recovering = asyncio.create_task(bench.service.dispatches.recover())
    await inside.wait()
    await bench.service.dispatches.look_up_unknown()
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
    await bench.service.dispatches.recover()
    assert bench.gateway.sent == [], "it may be on its way this moment"
    bench.now = later(30)
    await bench.service.dispatches.recover()
    assert len(bench.gateway.sent) == 1
    assert await bench.state() is RemediationStatus.SUCCEEDED


DONE = Outcome(state="succeeded", overall_status="SUCCESS", finished_at=later(14.8))


async def sent_by_the_dead(bench: Bench) -> None:
    """Claimed and sent by a process that died: the gateway runs it."""
    await bench.claimed_by(bench.dead)
    bench.now = later(12)
    bench.gateway.lookup_result = Running(since=later(2))
    await bench.service.dispatches.recover()


async def news_kinds(bench: Bench) -> list[str]:
    incident = await bench.store.incident(1)
    return [str(item.kind) for item in (await bench.store.card_content(incident.id)).bad_news]


async def test_after_a_takeover_the_duration_counts_from_the_first_start(bench: Bench) -> None:
    await sent_by_the_dead(bench)
    bench.gateway.lookup_result = DONE
    await bench.service.dispatches.look_up_unknown()
    (execution,) = await executions_of(bench.store, 1)
    (approval,) = await bench.store.approvals_of(1)
    assert execution.seconds == pytest.approx(12.8)
    assert "ran in 12.8 s" in result(execution, approval)[0]


async def test_what_still_runs_after_a_takeover_is_waited_for_without_a_ping(bench: Bench) -> None:
    await sent_by_the_dead(bench)
    for seconds in (15, 60, 132):  # its time runs from the takeover
        bench.now = later(seconds)
        await bench.service.dispatches.recover()
        await bench.service.dispatches.look_up_unknown()
        assert await bench.state() is RemediationStatus.DISPATCHING
        assert await news_kinds(bench) == []
    (execution,) = await executions_of(bench.store, 1)
    (approval,) = await bench.store.approvals_of(1)
    assert "Still running at the gateway" in str(approval_card(approval, execution)[1])
    bench.now = later(133)
    await bench.service.dispatches.look_up_unknown()
    assert await bench.state() is RemediationStatus.OUTCOME_UNKNOWN
    assert await news_kinds(bench) == ["outcome unknown"]
    assert bench.gateway.sent == []


async def test_what_ran_at_the_gateway_and_is_not_known_there_any_more_is_not_sent_again(
    bench: Bench,
) -> None:
    await sent_by_the_dead(bench)
    bench.gateway.lookup_result = NeverSeen()
    await bench.service.dispatches.recover()
    await bench.service.dispatches.look_up_unknown()
    assert bench.gateway.sent == []
    assert await bench.state() is RemediationStatus.OUTCOME_UNKNOWN
