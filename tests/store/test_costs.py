"""The cost of an alert's card and of a click, in statements of the store, not in time.

Each transaction of a write is a commit. Time is measured by the benchmarks; these figures keep it
from growing unnoticed.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, cast

import pytest

from bot.approvals.model import Choice, UserStatus
from bot.approvals.policy import Voter
from bot.incidents.cascades import NO_CALLS, newcomer
from bot.policy import Policy
from handlers.listeners import approvals
from handlers.outbound.outbox import Outbox
from handlers.outbound.rendering import Renderer
from store import Store, open_store
from store.messages import EVERYTHING
from store.operations import candidates, freezes, grouping, scoped_freezes, trust
from store.operations.cascade_members import related
from store.operations.delivery_context import DeliveryContext
from store.operations.outbox_fetch import FetchRequest
from store.operations.trail_end import End
from store.statements import Operation
from store.topics import Topic
from tests.handlers.conftest import Known
from tests.helpers.builders import ANA, AUDIT_KEY, CHANNEL, NOW, TEAM, alert, identify
from tests.helpers.counting_engine import CountingEngine
from tests.helpers.incident_bench import Bench
from tests.helpers.query_plans import plan_of
from tests.helpers.silences import silence
from tests.helpers.stores import Storage

TOO_MANY = (
    "Every alert, or every click, pays this. If it must be more, say in the commit why; else read"
    " together what is needed together, and write only what has changed."
)


@pytest.fixture
async def counted(store: Store) -> CountingEngine:
    store._engine = engine = CountingEngine(store._engine)
    return engine


async def arrive(store: Store, service: str, instance: str = "a") -> None:
    item = alert(service=service, fingerprint=instance)
    await store.accept(f"delivery-{service}-{instance}", [identify(item)], channel=CHANNEL, now=NOW)


async def show(store: Store) -> None:
    """Post the card as the outbox does, with each query that it makes."""
    outbox_channel = (await store.outbox_channels(NOW, {CHANNEL: FetchRequest(20, EVERYTHING)}))[
        CHANNEL
    ]
    assert outbox_channel.messages is not None
    (message,) = outbox_channel.messages
    rendered = await Renderer(Known(store)).render(message, outbox_channel.card)
    assert rendered is not None
    await store.outbox_sent(message, "1.1", None)


async def test_a_new_incidents_card_costs_so_many_statements(
    store: Store, counted: CountingEngine
) -> None:
    await arrive(store, "web")
    await show(store)  # an engine learns which reads are of more than one query
    counted.counts.clear()
    await arrive(store, "shop")
    accepted = dict(counted.counts)
    counted.counts.clear()
    await show(store)
    assert accepted == {"transactions": 1, "statements": 12}, TOO_MANY
    assert counted.counts == {"reads": 1, "transactions": 1, "statements": 4}, TOO_MANY


async def test_an_alert_of_a_new_service_makes_no_pattern(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in ("web-api", "search"):
        await arrive(store, service)
        await show(store)
    made: list[object] = []
    make: Any = re._compiler.compile  # type: ignore[attr-defined]  # every pattern passes here
    monkeypatch.setattr(
        re._compiler,  # type: ignore[attr-defined]
        "compile",
        lambda pattern, flags=0: made.append(pattern) or make(pattern, flags),
    )
    for service in ("shop-api", "billing"):
        await arrive(store, service)
        await show(store)
    assert made == [], "it takes longer than all else that is read of an alert"


async def test_one_more_alert_of_an_incident_costs_so_many_statements(
    store: Store, counted: CountingEngine
) -> None:
    await arrive(store, "web")
    counted.counts.clear()
    await arrive(store, "web", "b")
    assert counted.counts == {"transactions": 1, "statements": 7}, TOO_MANY


@pytest.mark.parametrize("gathered", [True, False])
async def test_many_alerts_of_an_incident_cost_so_many_statements(
    store: Store, counted: CountingEngine, *, gathered: bool
) -> None:
    """In one delivery, or in several that arrive together: the incident is read and written once.

    A transaction takes in 64 gathered alerts at most.
    """
    await arrive(store, "web")
    counted.counts.clear()
    items = [identify(alert(service="web", fingerprint=f"fp-{number}")) for number in range(36)]
    if gathered:
        await asyncio.gather(
            *(store.accept(item.dedup_key, [item], channel=CHANNEL, now=NOW) for item in items)
        )
        expected = {"transactions": 1, "statements": 9}
    else:
        await store.accept("all", items, channel=CHANNEL, now=NOW)
        expected = {"transactions": 1, "statements": 3 + 4 + 7}
    assert counted.counts == expected, TOO_MANY


async def test_a_silence_in_force_costs_so_many_statements(
    store: Store, counted: CountingEngine
) -> None:
    await store.silence(silence(service="hushed"))
    await arrive(store, "web")
    counted.counts.clear()
    await arrive(store, "web", "b")
    assert counted.counts == {"transactions": 1, "statements": 8}, TOO_MANY
    counted.counts.clear()
    await arrive(store, "hushed")
    assert counted.counts == {"transactions": 1, "statements": 6}, TOO_MANY


async def test_a_replica_logs_what_joins_an_incident_of_another_without_reading_it(
    storage: Storage,
) -> None:
    await arrive(await storage.open("bot-a"), "web")
    other = await storage.open("bot-b")
    other._engine = other._announcer._engine = engine = CountingEngine(other._engine)
    await arrive(other, "web", "b")
    assert engine.counts["reads"] == 0, TOO_MANY


async def test_advice_costs_so_many_statements(store: Store, counted: CountingEngine) -> None:
    await arrive(store, "web")
    counted.counts.clear()
    record = await store.claim_advice(NOW, in_hand=())
    assert record is not None
    await store.advice_context(record.incident_id)
    await store.give_advice(record.id, {"source": "SOP"}, "said", NOW)
    await store.advice_done(record.id)
    assert counted.counts == {"reads": 1, "transactions": 3, "statements": 11}, TOO_MANY


async def test_a_click_costs_so_many_transactions_until_its_request_is_sent() -> None:
    store = await open_store("sqlite://", owner="bot-a", audit_key=AUDIT_KEY)
    bench = Bench(store)
    bench.presser = UserStatus(problem=None, groups=frozenset({"S0SRE"}))
    bench.flaky._engine = engine = CountingEngine(store._engine)
    waiting = await bench.pending()
    engine.counts.clear()
    await bench.service.decisions.vote(waiting, Voter(ANA, TEAM), Choice.APPROVE)
    voted = dict(engine.counts)
    card = await bench.store.outbox_message("card:1")
    engine.counts.clear()
    execution = await bench.service.dispatches.claim()
    assert execution is not None
    bench.gateway.while_sent = lambda: sent.update(engine.counts)
    sent: dict[str, int] = {}
    await bench.service.dispatches.send(execution)
    shown = await bench.store.outbox_message("card:1")
    assert shown.desired_version == card.desired_version + 2, "it runs, and then no more"
    await store.close()
    assert voted == {"reads": 1, "transactions": 1, "statements": 26}, TOO_MANY
    assert sent == {"reads": 4, "transactions": 2, "statements": 37}, TOO_MANY


async def test_an_approval_is_loaded_three_times_from_the_click_to_its_request() -> None:
    """By the press, by the vote and by the claim: what is sent is what the claim has read."""
    store = await open_store("sqlite://", owner="bot-a", audit_key=AUDIT_KEY)
    bench = Bench(store)
    bench.presser = UserStatus(problem=None, groups=frozenset({"S0SRE"}))
    bench.flaky._engine = engine = CountingEngine(store._engine)
    waiting = await bench.pending()
    card = await bench.store.outbox_message(f"approval:{waiting.id}")
    assert card is not None
    await bench.store.outbox_sent(card, "1.1", None)
    body = {
        "user": {"id": ANA, "team_id": TEAM},
        "channel": {"id": card.channel},
        "message": {"ts": "1.1"},
        "trigger_id": "1",
    }
    engine.loads = 0
    outbox = cast("Outbox", None)  # for what asks for a reason
    await approvals.approve(body, {"value": waiting.id}, bench.service, outbox)
    claimed = await bench.service.dispatches.claim()
    assert claimed is not None
    sent: list[int] = []
    bench.gateway.while_sent = lambda: sent.append(engine.loads)
    await bench.service.dispatches.send(claimed)
    await store.close()
    assert sent == [3]


async def test_the_alert_that_an_incident_shows_is_found_and_not_sorted_for() -> None:
    """Else each alert of an incident costs as much as its incident has alerts."""
    steps = await plan_of(grouping.show_most_severe(1))
    assert any("firing_by_severity" in step for step in steps)
    assert not any("B-TREE" in step for step in steps), steps


async def test_an_alert_reads_the_open_incidents_of_its_service_and_no_others() -> None:
    """Else each alert costs as much as its service ever had incidents, or as there are open."""

    def reading() -> Operation[Any]:
        arrival = DeliveryContext(CHANNEL, NOW, Policy())
        yield candidates.open_for(identify(alert(starts_at=NOW)), arrival)

    steps = await plan_of(reading())
    assert any("early_resolves" in step for step in steps), steps
    by_service = [step for step in steps if "scope_service=?" in step]
    assert len(by_service) >= 2
    assert not [step for step in steps if step.startswith("SCAN")], steps
    assert [
        step for step in by_service if "incidents_by_end" in step and "resolved_at>?" not in step
    ] == []


async def test_a_new_incident_reads_what_of_its_service_ended_just_now_and_nothing_older() -> None:
    """Else it costs as much as its service ever had incidents."""
    new = newcomer(identify(alert(starts_at=NOW)), NOW)
    steps = await plan_of(related(new, NO_CALLS, NOW))
    ended = [step for step in steps if "resolved_at>?" in step]
    assert any("(scope_service=? AND resolved_at>?)" in step for step in ended), steps
    assert not any("B-TREE" in step for step in steps), steps


async def test_a_click_reads_the_requests_of_the_last_day_and_not_the_whole_trail() -> None:
    """Else each click costs as much as the trail, and all that ever ran, is long."""
    steps = await plan_of(trust.lost_requests(NOW, End(None, genuine=False)))
    assert any("audit_requests" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN") and step != "SCAN r"], steps


async def test_a_click_reads_the_rows_about_freezing_and_not_the_whole_trail() -> None:
    steps = await plan_of(freezes.with_end())
    scans = {step for step in steps if step.startswith("SCAN")}
    assert scans <= {"SCAN always", "SCAN CONSTANT ROW"}, steps
    steps = await plan_of(scoped_freezes.current())
    assert {step for step in steps if step.startswith("SCAN")} == {"SCAN freezes"}, steps


async def test_a_proposal_waits_for_its_card_and_nobody_claims_one_without_an_sop(
    store: Store,
) -> None:
    propose = store.signal(Topic.PROPOSE)
    await arrive(store, "web")
    assert await store.claim_proposal(NOW) is None
    receipt = await store.accept(
        "with an SOP",
        [identify(alert(service="shop"), sop_id="sop_shop")],
        channel=CHANNEL,
        now=NOW,
    )
    await asyncio.sleep(0)
    assert not propose.is_set(), "the card is not posted yet"
    messages = await store.outbox_due(CHANNEL, NOW, 20, EVERYTHING, [])
    (card,) = (m for m in messages if m.incident_id == receipt.incident_ids[0])
    await store.outbox_sent(card, "1.1", None)
    await asyncio.wait_for(propose.wait(), 10)
    task = await store.claim_proposal(NOW)
    assert task is not None
    assert task.incident_id == receipt.incident_ids[0]
