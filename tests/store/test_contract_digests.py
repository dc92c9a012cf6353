"""Digests: each is posted once, none without content; and the facts of a review."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.incidents.digests import Day, DigestKind, DueDigest, Frequent, SopResult, Unmatched
from bot.incidents.remediation import RemediationStatus
from store import Store
from store.messages import EVERYTHING, OutboxMessage
from tests.helpers.builders import (
    ANA,
    BEN,
    CHANNEL,
    NOW,
    alert,
    deliver,
    later,
    open_incident,
    pending_approval,
)
from tests.helpers.executions import DONE, dispatching, finish

MORNING = DueDigest("morning", DigestKind.DIGEST, CHANNEL, "", NOW, NOW - timedelta(hours=12))


async def waiting(store: Store, channel: str) -> list[OutboxMessage]:
    return await store.outbox_due(channel, later(5), 20, EVERYTHING, [])


async def test_a_digest_is_posted_once_however_often_it_is_claimed(store: Store) -> None:
    await open_incident(store)
    claimed = await asyncio.gather(*(store.claim_digest(MORNING, later(1)) for _ in range(5)))
    assert sorted(claimed) == [False, False, False, False, True]
    other = replace(MORNING, channel="D1", person=ANA)
    assert await store.claim_digest(other, later(1))
    (message,) = [m for m in await waiting(store, CHANNEL) if m.kind == "digest"]
    assert message.desired_version == 1
    assert await store.digest(int(message.subject)) == MORNING
    (direct,) = await waiting(store, "D1")
    assert await store.digest(int(direct.subject)) == other
    assert await store.claim_digest(replace(MORNING, due_at=later(60)), later(60))


async def test_a_digest_without_content_is_claimed_and_not_posted(store: Store) -> None:
    for due in (MORNING, replace(MORNING, name="weekly", kind=DigestKind.REVIEW)):
        assert await store.claim_digest(due, NOW)
        assert not await store.claim_digest(due, NOW)
    assert await waiting(store, CHANNEL) == []


async def test_a_digest_has_what_is_open_what_happened_and_what_waits(store: Store) -> None:
    mine = await open_incident(store, fingerprint="a", service="a")
    await open_incident(store, fingerprint="b", service="b")
    over = await open_incident(store, fingerprint="c", service="c")
    await store.acknowledge(mine.id, ANA, NOW)
    await store.resolve(over.id, BEN, NOW)
    approval = await pending_approval(store, mine.id)
    facts = await store.digest_facts(replace(MORNING, person=ANA), later(1))
    assert [item.id for item in facts.home.mine.incidents] == [mine.id]
    assert (facts.home.opened, facts.home.resolved.total, facts.unacknowledged) == (3, 1, 1)
    assert facts.waiting == [(mine.id, approval.proposal.title)]
    assert not facts.is_empty
    of_channel = await store.digest_facts(MORNING, later(1))
    assert of_channel.home.mine.total == 0
    assert len(of_channel.home.others) == 2


async def test_a_review_has_noisy_alerts_sops_that_ran_and_incidents_without_one(
    store: Store,
) -> None:
    noisy = await deliver(store, alert(), sop_id="sop_web")
    for number in range(3):
        await deliver(store, alert(fingerprint=f"fp-{number}"), sop_id="sop_web", at=later(number))
    await open_incident(store, service="lonely", fingerprint="l", name="Lonely", title="Lonely")
    await store.acknowledge(noisy, ANA, later(90))
    review = await store.review(NOW - timedelta(days=7))
    assert review.frequent[0] == Frequent("HighCpu", "web", 4, 1)
    assert review.sops == []
    assert review.without_sop == [Unmatched("Lonely", 1)]
    assert review.without_sop_total == 1
    assert review.days == [Day(NOW.date().isoformat(), 2, 90.0)]
    assert (await store.review(later(3600))).days == []


async def test_a_review_says_how_often_the_actions_of_an_sop_helped(store: Store) -> None:
    incident = await store.incident(await deliver(store, alert(), sop_id="sop_web"))
    await finish(store, await dispatching(store, incident), RemediationStatus.FAILED)
    helped = await finish(store, await dispatching(store, incident), DONE)
    await store.conclude(helped.id, RemediationStatus.VERIFIED, "0.3 % for 5 min", later(9))
    review = await store.review(NOW - timedelta(days=7))
    assert review.sops == [SopResult("sop_web", 2, 1)]
