"""A trace: every stage of an alert and of its incident, each with the time at which it happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.approvals.model import Choice
from bot.incidents.remediation import RemediationStatus
from store import Store
from tests.helpers.builders import (
    ANA,
    BEN,
    CHANNEL,
    NOW,
    TEAM,
    alert,
    claim_execution,
    deliver,
    identify,
    later,
    pending_approval,
    resolved,
    voter,
)


async def received(store: Store) -> int:
    """An alert whose first byte came a second before it was decided, and was written after."""
    item = identify(alert(), tracking_id="req-1", sent_at=later(-5))
    receipt = await store.accept(
        "delivery-1",
        [item],
        channel=CHANNEL,
        now=NOW,
        arrived_at=later(-1),
        clock=lambda: later(0.25),
    )
    return receipt.incident_ids[0]


async def post(store: Store, key: str, at: datetime) -> None:
    message = await store.outbox_message(key)
    assert message is not None
    assert await store.outbox_sent(message, f"{message.id}.1", posted_at=at)


async def names(store: Store, incident_id: int | None) -> list[tuple[str, float]]:
    """The stages with their seconds after NOW."""
    return [
        (stage.name, (stage.at - NOW).total_seconds())
        for stage in await store.stages("req-1", incident_id)
    ]


async def test_an_incident_has_every_stage_from_the_first_byte_to_the_resolve(
    store: Store,
) -> None:
    incident = await received(store)
    await post(store, f"card:{incident}", later(1))
    record = await store.claim_advice(later(2), in_hand=())
    assert record is not None
    await store.give_advice(record.id, {"source": "SOP"}, "said", later(3))
    await post(store, f"advice:{record.id}", later(4))
    approval = await pending_approval(store, incident, requested_at=later(5))
    await post(store, f"approval:{approval.id}", later(6))
    await store.vote(approval.id, voter(ANA), Choice.APPROVE, TEAM, later(7))
    execution = await claim_execution(store, later(8))
    assert execution is not None
    await store.finish_execution(
        execution, RemediationStatus.SUCCEEDED, answer={}, error="", now=later(9)
    )
    await store.conclude(execution.id, RemediationStatus.VERIFIED, "200", later(10))
    await deliver(store, resolved(), at=later(11))
    assert await names(store, incident) == [
        ("sent", -5),
        ("received", -1),
        ("decided", 0),
        ("opened", 0),
        ("advice asked", 0),
        ("written", 0.25),
        ("card posted", 1),
        ("advice answered", 3),
        ("advice posted", 4),
        ("proposed", 5),
        ("approval posted", 6),
        ("approved", 7),
        ("dispatched", 8),
        ("finished", 9),
        ("verified", 10),
        ("resolved", 11),
    ]


async def test_a_stage_says_why_and_who(store: Store) -> None:
    incident = await received(store)
    await store.acknowledge(incident, BEN, later(1))
    stages = {stage.name: stage for stage in await store.stages("req-1", incident)}
    assert stages["decided"].text == "firing: no open incident matches"
    assert stages["acknowledged"].actor == BEN
    assert "approved" not in stages, "what did not happen has no stage"


async def test_an_alert_without_an_incident_has_its_own_stages(store: Store) -> None:
    item = identify(resolved(), tracking_id="req-1")
    await store.accept("delivery-1", [item], channel=CHANNEL, now=NOW)
    assert await names(store, None) == [("received", 0), ("decided", 0)]
    assert await store.stages("req-unknown", None) == []


async def test_a_repeat_leads_to_the_alert_that_it_repeated(store: Store) -> None:
    for number in range(4):
        item = replace(
            identify(
                alert(starts_at=NOW), dedup_key=f"series/{number}", tracking_id=f"req-{number}"
            ),
            series_key="series/",
        )
        await store.accept(f"delivery-{number}", [item], channel=CHANNEL, now=later(number))
    (traced,) = await store.trace("req-3")
    assert (traced.tracking_id, traced.incident_id) == ("req-0", 1)
    assert traced.reason == "no open incident matches"
    repeated = await store.repeats_of("req-0")
    assert repeated is not None
    assert (repeated.count, repeated.last_at) == (3, later(3))
    assert await store.trace("") == []
    assert await store.repeats_of("req-unknown") is None
