"""An alert that fires again soon after its incident was resolved continues that incident."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bot.approvals.model import Choice
from bot.incidents.episodes import LastEpisode
from bot.incidents.model import Alert, IncidentStatus, Resolution, Severity
from bot.incidents.news import News, NewsKind
from bot.incidents.remediation import RemediationStatus
from store import Store
from store.admin import invariants
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
from tests.helpers.news import news_of
from tests.helpers.outbox_rows import send
from tests.helpers.silences import silence
from tests.helpers.stores import Storage

WITHIN = 900  # correlate.reopen_within_seconds


async def reopenings(store: Store) -> list[News]:
    return [item for item in await news_of(store) if item.kind is NewsKind.REOPENED]


async def resolved_incident(store: Store, at: float = 60, **changes: Any) -> int:
    """An incident whose only alert fired at NOW and cleared."""
    incident_id = await deliver(store, alert(**changes))
    await deliver(store, resolved(**changes), at=later(at))
    assert (await store.incident(incident_id)).status is IncidentStatus.RESOLVED
    return incident_id


async def receive(store: Store, item: Alert, at: float, sent_at: datetime | None = None) -> str:
    """Accept one alert; return the reason that was stored for it."""
    identified = identify(item, sent_at=sent_at)
    await store.accept(identified.dedup_key, [identified], channel=CHANNEL, now=later(at))
    (traced,) = await store.trace(identified.tracking_id)
    return traced.reason


async def assert_invariants(store: Store) -> None:
    assert await store._engine.read(invariants.broken) == []


@pytest.mark.parametrize(
    "refired",
    [
        alert(),
        alert(fingerprint="another", severity=Severity.CRITICAL, title="another of its scope"),
        alert(category="disk", title="the same alert in another category"),
    ],
    ids=["the same alert", "another alert of its scope", "the same fingerprint"],
)
async def test_what_fires_again_within_15_minutes_reopens_its_incident(
    store: Store, refired: Alert
) -> None:
    incident_id = await deliver(store, alert())
    await store.acknowledge(incident_id, ANA, later(10))
    await deliver(store, resolved(), at=later(60))
    receipt = await store.accept(
        "again", [identify(refired)], channel=CHANNEL, now=later(60 + WITHIN - 1)
    )
    assert (receipt.incident_ids, receipt.opened) == ((incident_id,), ())
    incident = await store.incident(incident_id)
    assert (incident.status, incident.resolution) == (IncidentStatus.OPEN, None)
    assert (incident.acknowledged_by, incident.acknowledged_at) == ("", None)
    assert (incident.firing, incident.alert_count, incident.severity) == (1, 2, refired.severity)
    assert incident.title == refired.title
    last = [entry for entry in await store.timeline(incident_id) if entry.kind == "reopened"]
    assert [(entry.text, entry.actor) for entry in last] == [("Reopened: it fires again", "")]
    (news,) = await reopenings(store)
    assert (news.incident_id, news.mentions) == (incident_id, (ANA,))
    assert [item.kind for item in await news_of(store)] == [NewsKind.REOPENED], "one message"
    assert (await store.card_content(incident_id)).bad_news == [news]
    await assert_invariants(store)


async def test_what_fires_again_after_15_minutes_opens_a_new_incident(store: Store) -> None:
    first = await resolved_incident(store)
    second = await deliver(store, alert(), at=later(60 + WITHIN))
    assert second != first
    assert await reopenings(store) == []


async def test_the_time_counts_from_the_senders_start_where_that_is_known(store: Store) -> None:
    """A message that arrives late is about an alert that began in time."""
    first = await resolved_incident(store)
    began = later(60 + WITHIN - 1)
    assert await deliver(store, alert(starts_at=began), at=later(60 + WITHIN + 300)) == first


async def test_another_scope_opens_its_own_incident(store: Store) -> None:
    first = await resolved_incident(store)
    other = alert(fingerprint="disk", category="disk")
    assert await deliver(store, other, at=later(90)) != first


async def test_the_incident_of_the_alert_is_reopened_and_not_a_later_one_of_its_scope(
    store: Store,
) -> None:
    first = await resolved_incident(store)
    second = await resolved_incident(store, at=120, category="disk", fingerprint="disk")
    assert second != first
    assert await deliver(store, alert(category="disk"), at=later(180)) == first


async def test_nothing_is_reopened_where_the_policy_says_never(storage: Storage) -> None:
    store = await storage.open("bot-a")
    correlate = store.config.current.policy.correlate
    policy = store.config.current.policy.model_copy(
        update={"correlate": correlate.model_copy(update={"reopen_within_seconds": 0})}
    )
    store.config.current = replace(store.config.current, policy=policy)
    first = await resolved_incident(store)
    assert await deliver(store, alert(), at=later(60)) != first


async def test_advice_is_asked_for_again_only_after_an_hour(store: Store) -> None:
    incident_id = await deliver(store, alert(), sop_id="web")

    async def waiting() -> list[int]:
        ids = []
        while record := await store.claim_advice(NOW, in_hand=()):
            await store.give_advice(record.id, {"source": "SOP"}, "said", NOW)
            await store.advice_done(record.id)
            ids.append(record.incident_id)
        return ids

    assert await waiting() == [incident_id]
    await deliver(store, resolved(), sop_id="web", at=later(60))
    await deliver(store, alert(), sop_id="web", at=later(90))
    assert await waiting() == []
    await deliver(store, resolved(), sop_id="web", at=later(3500))
    await deliver(store, alert(), sop_id="web", at=later(3601))
    assert await waiting() == [incident_id]


async def test_what_was_revoked_by_the_resolve_stays_revoked(store: Store) -> None:
    incident_id = await deliver(store, alert())
    waiting = await pending_approval(store, incident_id)
    await deliver(store, resolved(), at=later(60))
    await deliver(store, alert(), at=later(90))
    assert (await store.approval(waiting.id)).state is RemediationStatus.REVOKED
    assert await store.approvals_waiting() == []


async def test_a_reopened_incident_resolves_in_a_new_message(store: Store) -> None:
    incident_id = await resolved_incident(store)
    await deliver(store, alert(), at=later(90))
    await deliver(store, resolved(), at=later(2000))
    assert await store.outbox_message(f"resolved:{incident_id}/2") is not None
    await deliver(store, alert(), at=later(2030))
    assert [item.at for item in await reopenings(store)] == [later(90), later(2030)]


@pytest.mark.parametrize(("minutes", "came_back"), [(10, 1), (59, 1), (61, 0)])
async def test_the_track_record_counts_a_fix_after_which_it_came_back_within_an_hour(
    store: Store, minutes: int, came_back: int
) -> None:
    incident_id = await deliver(store, alert(), sop_id="web")
    request = await pending_approval(store, incident_id)
    await store.vote(request.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
    execution = await claim_execution(store, later(2))
    assert execution is not None
    done = RemediationStatus.SUCCEEDED
    await store.finish_execution(execution, done, answer=None, error="", now=later(10))
    await deliver(store, resolved(), sop_id="web", at=later(60))
    await store.conclude(execution.id, RemediationStatus.VERIFIED, "it cleared", later(61))
    assert (await store.incident(incident_id)).fixed_by == execution.id
    at = later(60 + minutes * 60)
    if minutes * 60 < WITHIN:
        assert await deliver(store, alert(), sop_id="web", at=at) == incident_id
        assert (await store.incident(incident_id)).fixed_by == ""
        (news,) = await reopenings(store)
        assert news.facts["fix"] == "Restart web"
        await deliver(store, resolved(), sop_id="web", at=later(3000))
    else:
        assert await deliver(store, alert(), sop_id="web", at=at) != incident_id
    record = await store.track_record("web", "service.restart")
    assert (record.verified, record.came_back) == (1, came_back)


async def test_nothing_is_reopened_while_another_of_its_sop_is_open(store: Store) -> None:
    """One incident of each SOP, env and service is open."""
    first = await resolved_incident(store, sop_id="procedure")
    disk = alert(category="disk", fingerprint="disk")
    other = await deliver(store, disk, sop_id="procedure", at=later(90))
    assert other != first
    third = await deliver(store, alert(), sop_id="of-a-newer-library", at=later(120))
    assert third not in (first, other)
    await assert_invariants(store)


async def test_two_troubles_without_a_category_share_a_derived_sop_id_and_both_reopen(
    store: Store,
) -> None:
    first = await resolved_incident(store, category="", name="LedgerImbalance")
    refunds = alert(category="", name="TooManyRefunds", fingerprint="refunds")
    other = await deliver(store, refunds, at=later(90))
    assert (await store.incident(other)).sop_id == (await store.incident(first)).sop_id
    assert await deliver(store, alert(category="", name="LedgerImbalance"), at=later(120)) == first
    assert (await store.incident(other)).firing == 1
    await assert_invariants(store)


async def test_an_alert_that_a_silence_suppresses_reopens_nothing(store: Store) -> None:
    incident_id = await resolved_incident(store)
    await store.silence(silence())
    assert (await receive(store, alert(), at=90)).startswith("suppressed")
    assert (await store.incident(incident_id)).status is IncidentStatus.RESOLVED


# A person's resolve


async def test_a_reminder_soon_after_a_persons_resolve_changes_nothing(store: Store) -> None:
    incident_id = await deliver(store, alert(starts_at=NOW))
    await store.resolve(incident_id, ANA, later(60))
    reason = await receive(store, alert(starts_at=NOW), at=60 + WITHIN - 1)
    assert reason == "a reminder, soon after a person resolved its incident"
    assert (await store.incident(incident_id)).resolution is Resolution.PERSON
    assert await store.open_incidents() == []


@pytest.mark.parametrize(
    ("refired", "at"),
    [
        (alert(starts_at=later(70)), 75),
        (alert(starts_at=NOW, severity=Severity.CRITICAL), 75),
        (alert(starts_at=NOW), 60 + WITHIN),
        (alert(starts_at=NOW), 60 + 100 * WITHIN),
    ],
    ids=["a new start", "more severe", "a later reminder", "a much later reminder"],
)
async def test_what_fires_on_after_a_persons_resolve_reopens_the_incident(
    store: Store, refired: Alert, at: float
) -> None:
    incident_id = await deliver(store, alert(starts_at=NOW))
    await store.resolve(incident_id, BEN, later(60))
    assert await deliver(store, refired, at=later(at)) == incident_id
    assert (await store.incident(incident_id)).status is IncidentStatus.OPEN
    (news,) = await reopenings(store)
    assert news.mentions == (BEN,)
    await assert_invariants(store)


async def test_an_alert_that_its_sender_ended_does_not_reopen_by_its_old_start(
    store: Store,
) -> None:
    first = await resolved_incident(store, starts_at=NOW)
    assert await deliver(store, alert(starts_at=NOW), at=later(60 + WITHIN)) != first


# The last time


async def test_a_new_incident_knows_the_last_one_of_its_scope(store: Store) -> None:
    first = await resolved_incident(store, starts_at=NOW)
    await resolved_incident(store, at=70, fingerprint="d", category="disk", starts_at=NOW)
    second = await deliver(store, alert(starts_at=later(5000)), at=later(5000))
    assert (await store.incident(second)).previous_id == first
    assert (await store.incident(first)).previous_id is None
    last = (await store.card_content(second)).last_time
    assert last == LastEpisode(first, later(60), Resolution.CLEARED, "", "")
    assert last.place is None, "its card is not posted"
    await send(store, f"card:{first}", "1795.0001")
    last = (await store.card_content(second)).last_time
    assert last is not None
    assert last.place == (CHANNEL, "1795.0001")
    other = alert(env="staging", fingerprint="s", starts_at=later(5000))
    assert (await store.incident(await deliver(store, other, at=later(5001)))).previous_id is None


async def test_a_last_incident_that_is_open_again_is_not_shown(store: Store) -> None:
    first = await deliver(store, alert())
    await store.resolve(first, ANA, later(60))
    second = await deliver(store, alert(), at=later(5000))
    await store.resolve(second, ANA, later(5010))
    await store.reopen(first, ANA, later(5020))
    assert (await store.card_content(second)).last_time is None


# Replicas


async def test_two_replicas_reopen_once(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    incident_id = await resolved_incident(here)
    items = [alert(), *(alert(fingerprint=name) for name in "bcd")]
    ids = await asyncio.gather(
        *(
            deliver(store, item, at=later(90))
            for store, item in zip((here, there, here, there), items, strict=True)
        )
    )
    assert set(ids) == {incident_id}
    assert len(await reopenings(there)) == 1
    incident = await here.incident(incident_id)
    assert incident.alert_count == 5
    await assert_invariants(here)
