"""Two symptoms of one service that take turns become one incident."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents.model import IncidentStatus
from store import Store
from store.admin import invariants
from store.operations.cutoffs import Cutoff
from tests.helpers.builders import ANA, alert, deliver, later, resolved
from tests.helpers.news import shown

MINUTE = 60
LATENCY = {"name": "HighLatency", "category": "latency", "fingerprint": "l"}


@pytest.fixture(autouse=True)
async def the_invariants_hold(store: Store) -> object:
    yield
    assert await store._engine.read(invariants.broken) == []


async def fire(store: Store, minutes: float, **changes: Any) -> int:
    at = later(minutes * MINUTE)
    return await deliver(store, alert(starts_at=at, **changes), at=at)


async def end(store: Store, minutes: float, **changes: Any) -> None:
    at = later(minutes * MINUTE)
    await deliver(store, resolved(ends_at=at, **changes), at=at)


async def test_a_symptom_between_two_firings_of_another_becomes_part_of_it(store: Store) -> None:
    first = await fire(store, 0)
    await end(store, 5)
    between = await fire(store, 6, **LATENCY)
    assert between != first
    assert (await store.incident(between)).parent_id == first
    assert await store.outbox_message(f"card:{between}") is None
    assert [child.id for child in (await store.card_content(first)).children] == [between]
    await end(store, 9, **LATENCY)
    assert (await store.incident(first)).status is IncidentStatus.RESOLVED
    assert await fire(store, 11) == first
    await end(store, 18)
    await store.end_flapping(Cutoff(later(18 * MINUTE)), later(48 * MINUTE))
    assert await store.incident_counts() == {"resolved": 2}


async def test_two_symptoms_that_overlap_and_return_stay_one_cascade(store: Store) -> None:
    first = await fire(store, 0)
    other = await fire(store, 3, **LATENCY)
    await end(store, 5)
    await end(store, 8, **LATENCY)
    assert await fire(store, 10) == first
    await end(store, 14)
    assert await fire(store, 16, **LATENCY) == other
    assert (await store.incident(other)).parent_id == first


async def test_a_cascade_of_several_services_is_not_opened_again(store: Store) -> None:
    await fire(store, 0)
    first = await fire(store, 1, service="api", fingerprint="a")
    assert (await store.incident(first)).parent_id is None
    await store.merge(2, 1, ANA, later(2 * MINUTE))
    await end(store, 3)
    await end(store, 4, service="api", fingerprint="a")
    assert (await store.incident(await fire(store, 6, **LATENCY))).parent_id is None
    assert await fire(store, 7) not in (1, 2)


@pytest.mark.parametrize("minutes", [10.1, 31])
async def test_another_symptom_opens_nothing_again_later_than_five_minutes_after_the_end(
    store: Store, minutes: float
) -> None:
    await fire(store, 0)
    await end(store, 5)
    assert (await store.incident(await fire(store, minutes, **LATENCY))).parent_id is None


async def test_what_a_person_resolved_is_opened_again_by_its_own_alert_only(store: Store) -> None:
    first = await fire(store, 0)
    await store.resolve(first, ANA, later(5 * MINUTE))
    between = await fire(store, 6, **LATENCY)
    assert (await store.incident(between)).parent_id is None
    await shown(store, f"card:{between}")
    assert await fire(store, 11) == first
    assert (await store.incident(between)).parent_id == first


@pytest.mark.parametrize(
    ("begins", "ends", "changes"),
    [
        (10.1, 11, LATENCY),
        (6, 7, {**LATENCY, "service": "api"}),
        (6, 7, {**LATENCY, "env": "staging"}),
        (6, 7, {"name": "CertificateExpires", "category": "certificate", "fingerprint": "c"}),
    ],
    ids=["it began too late", "another service", "another env", "a slow trouble"],
)
async def test_what_did_not_take_turns_stays_apart(
    store: Store, begins: float, ends: float, changes: dict[str, str]
) -> None:
    first = await fire(store, 0)
    await end(store, 5)
    other = await fire(store, begins, **changes)
    await end(store, ends, **changes)
    assert await fire(store, 12) == first
    assert (await store.incident(other)).parent_id is None
