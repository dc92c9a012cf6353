"""An incident that fires and resolves again and again is held open until it is quiet."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.incidents.model import IncidentStatus, Resolution
from bot.incidents.news import NewsKind
from store import Store
from store.admin import invariants
from store.operations.cutoffs import Cutoff
from tests.helpers.builders import ANA, CHANNEL, alert, deliver, identify, later, resolved
from tests.helpers.news import news_of
from tests.helpers.stores import Storage

WINDOW = 1800


@pytest.fixture(autouse=True)
async def the_invariants_hold(store: Store) -> object:
    yield
    assert await store._engine.read(invariants.broken) == []


async def flap(store: Store, *seconds: float) -> int:
    """Fire, resolve, fire … at these times; the incident."""
    incident_id = 0
    for number, at in enumerate(seconds):
        item = resolved() if number % 2 else alert(starts_at=later(at))
        incident_id = await deliver(store, item, at=later(at))
    return incident_id


async def end(store: Store, at: float) -> int:
    return await store.end_flapping(Cutoff(later(at - WINDOW)), later(at))


async def test_four_changes_in_half_an_hour_are_flapping_and_hold_the_incident_open(
    store: Store,
) -> None:
    incident_id = await flap(store, 0, 100, 200)
    assert (await store.incident(incident_id)).flapping_changes == 0
    await deliver(store, resolved(), at=later(300))
    incident = await store.incident(incident_id)
    assert (incident.status, incident.firing) == (IncidentStatus.OPEN, 0)
    assert incident.flapping_changes == 4
    (news,) = [item for item in await news_of(store) if item.kind is NewsKind.FLAPPING]
    assert news.facts == {"changes": "4", "window": "1800"}
    bad_news = (await store.card_content(incident_id)).bad_news
    assert news in bad_news
    assert NewsKind.REOPENED not in [item.kind for item in bad_news], "it does not fire now"


async def test_three_changes_or_four_in_a_longer_time_are_not_flapping(store: Store) -> None:
    incident_id = await flap(store, 0, 800, 1600, 2400)
    assert (await store.incident(incident_id)).status is IncidentStatus.RESOLVED
    assert (await store.incident(incident_id)).flapping_changes == 0


async def test_while_it_is_held_each_change_is_counted_and_none_is_posted(store: Store) -> None:
    incident_id = await flap(store, 0, 100, 200, 300)
    await store.acknowledge(incident_id, ANA, later(350))
    messages = len(await news_of(store))
    assert await flap(store, 400, 500, 600) == incident_id
    incident = await store.incident(incident_id)
    assert (incident.flapping_changes, incident.firing, incident.alert_count) == (7, 1, 4)
    assert (incident.status, incident.acknowledged_by) == (IncidentStatus.ACKNOWLEDGED, ANA)
    assert len(await news_of(store)) == messages
    assert await store.outbox_message(f"resolved:{incident_id}/2") is None
    kinds = [entry.kind for entry in await store.timeline(incident_id)]
    assert kinds[-3:] == ["refired", "quiet", "refired"]


async def test_it_resolves_by_itself_when_it_was_quiet_for_the_window(store: Store) -> None:
    incident_id = await flap(store, 0, 100, 200, 300)
    assert await end(store, 300 + WINDOW - 1) == 0
    assert await end(store, 300 + WINDOW) == 1
    assert await end(store, 300 + WINDOW) == 0
    incident = await store.incident(incident_id)
    assert (incident.status, incident.resolution) == (IncidentStatus.RESOLVED, Resolution.CLEARED)
    assert incident.flapping_changes == 0


async def test_it_says_that_it_is_steady_when_it_fires_without_a_break(store: Store) -> None:
    incident_id = await flap(store, 0, 100, 200, 300, 400)
    assert await end(store, 400 + WINDOW) == 1
    incident = await store.incident(incident_id)
    assert (incident.status, incident.flapping_changes) == (IncidentStatus.OPEN, 0)
    last = (await store.timeline(incident_id))[-1]
    assert last.text == "INC-1 is steady again: it fires without a break for 30 min"
    assert (await store.card_content(incident_id)).bad_news[0].kind is not NewsKind.FLAPPING


async def test_an_alert_that_joins_meanwhile_is_no_change(store: Store) -> None:
    incident_id = await flap(store, 0, 100, 200, 300, 400)
    await deliver(store, alert(fingerprint="another"), at=later(450))
    assert (await store.incident(incident_id)).flapping_changes == 5
    await deliver(store, resolved(fingerprint="another"), at=later(460))
    assert (await store.incident(incident_id)).flapping_changes == 5


async def test_the_incident_before_it_in_its_scope_counts_too(store: Store) -> None:
    first = await flap(store, 0, 60)
    second = await flap(store, 60 + 900, 60 + 950)
    assert second != first
    assert (await store.incident(second)).previous_id == first
    assert (await store.incident(second)).flapping_changes == 4


async def test_a_person_resolves_what_is_held(store: Store) -> None:
    incident_id = await flap(store, 0, 100, 200, 300)
    incident = await store.resolve(incident_id, ANA, later(310))
    assert (incident.status, incident.flapping_changes) == (IncidentStatus.RESOLVED, 0)
    assert await end(store, 9 * WINDOW) == 0


async def test_nothing_is_held_where_the_policy_says_never(store: Store) -> None:
    policy = store.config.current.policy
    correlate = policy.correlate.model_copy(update={"flapping_changes": 0})
    changed = policy.model_copy(update={"correlate": correlate})
    store.config.current = replace(store.config.current, policy=changed)
    incident_id = await flap(store, 0, 100, 200, 300)
    assert (await store.incident(incident_id)).status is IncidentStatus.RESOLVED


async def test_a_root_waits_for_a_child_that_is_held(store: Store) -> None:
    policy = store.config.current.policy
    correlate = policy.correlate.model_copy(update={"flapping_changes": 2})
    changed = policy.model_copy(update={"correlate": correlate})
    store.config.current = replace(store.config.current, policy=changed)
    symptom = {"name": "HighLatency", "category": "latency", "fingerprint": "l"}
    root = await deliver(store, alert(starts_at=later(0)))
    child = await deliver(store, alert(**symptom, starts_at=later(60)), at=later(60))
    assert (await store.incident(child)).parent_id == root
    await deliver(store, resolved(), at=later(90))
    await deliver(store, resolved(**symptom), at=later(100))
    assert (await store.incident(root)).status is IncidentStatus.OPEN
    assert await end(store, 100 + WINDOW) == 2
    assert await store.incident_counts() == {"resolved": 2}


async def test_two_replicas_end_the_flapping_once(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    incident_id = await flap(here, 0, 100, 200, 300)
    at = 300 + WINDOW
    assert sum(await asyncio.gather(end(here, at), end(there, at), end(here, at))) == 1
    kinds = [entry.kind for entry in await there.timeline(incident_id)]
    assert kinds.count("resolved") == 2


async def test_a_redelivered_change_counts_once(store: Store) -> None:
    incident_id = await flap(store, 0, 100, 200)
    item = identify(resolved())
    for _ in range(3):
        await store.accept("the same", [item], channel=CHANNEL, now=later(300))
    assert (await store.incident(incident_id)).flapping_changes == 4
