"""Two symptoms of one service that take turns become one incident."""

from __future__ import annotations

from typing import Any

import pytest

from store import Store
from store.admin import invariants
from store.operations.cutoffs import Cutoff
from tests.helpers.builders import alert, deliver, later, resolved
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
    await shown(store, f"card:{between}")
    await end(store, 9, **LATENCY)
    assert await fire(store, 11) == first
    assert (await store.incident(between)).parent_id == first
    assert [child.id for child in (await store.card_content(first)).children] == [between]
    await end(store, 18)
    await store.end_flapping(Cutoff(later(18 * MINUTE)), later(48 * MINUTE))
    assert await store.incident_counts() == {"resolved": 2}


async def test_a_symptom_that_still_lasts_when_the_other_returns_becomes_part_of_it(
    store: Store,
) -> None:
    first = await fire(store, 0)
    await end(store, 5)
    between = await fire(store, 6, **LATENCY)
    assert await fire(store, 11) == first
    assert (await store.incident(between)).parent_id == first


@pytest.mark.parametrize(
    ("begins", "ends", "changes"),
    [
        (10.1, 11, LATENCY),
        (6, 7, {**LATENCY, "service": "api"}),
        (6, 7, {**LATENCY, "env": "staging"}),
        (6, 7, {"name": "CertificateExpires", "category": "certificate", "fingerprint": "c"}),
        (6, 6.5, LATENCY),
    ],
    ids=["it began too late", "another service", "another env", "a slow trouble", "ended long ago"],
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
