"""A stranger's alerts hide no other incident in a cascade."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from bot.incidents.model import Alert, Severity
from bot.incidents.news import NewsKind
from store import Store
from tests.helpers.builders import (
    ANA,
    CHANNEL,
    deliver,
    identify,
    later,
)
from tests.helpers.cascades import cards, check, declare_calls, symptom
from tests.helpers.news import news_of

CRITICAL = Severity.CRITICAL


@pytest.fixture(autouse=True)
def declared_calls(store: Store) -> None:
    declare_calls(store)


async def arrives(
    store: Store, item: Alert, channel: str, now: datetime, sender: str = "http:alertmanager"
) -> int:
    """Accept one alert for a channel; return its incident."""
    identified = replace(identify(item), senders=(sender,))
    receipt = await store.accept(identified.dedup_key, [identified], channel=channel, now=now)
    (outcome,) = receipt.outcomes
    assert outcome.incident_id is not None
    return outcome.incident_id


@pytest.mark.attack("ASI08")
@pytest.mark.parametrize(
    ("severity", "sender", "is_apart"),
    [
        (Severity.CRITICAL, "slack:B0STRANGER", True),
        (Severity.CRITICAL, "http:alertmanager", False),
        (Severity.HIGH, "slack:B0STRANGER", False),
    ],
)
async def test_a_critical_alert_of_another_channel_keeps_its_own_card(
    store: Store, severity: Severity, sender: str, is_apart: bool
) -> None:
    bait = await arrives(store, symptom("web", severity=CRITICAL), "C0RANDOM", later(0), sender)
    victim = await arrives(store, symptom("cart-api", severity=severity), CHANNEL, later(60))
    incident = await store.incident(victim)
    assert (incident.parent_id is None) is is_apart
    assert await cards(store, bait, victim) == [True, is_apart]
    assert incident.channel == (CHANNEL if is_apart else "C0RANDOM")
    await check(store)


@pytest.mark.attack("ASI08")
async def test_a_cascade_that_is_fed_for_half_an_hour_takes_nothing_more_in(store: Store) -> None:
    root = await deliver(store, symptom("web", category="c0"))
    for number in range(1, 8):
        at = later(240 * number)
        fed = await deliver(store, symptom("web", category=f"c{number}"), at=at)
        assert (await store.incident(fed)).parent_id == root
    victim = await deliver(store, symptom("web", category="database"), at=later(1801))
    assert (await store.incident(victim)).parent_id is None
    await check(store)


@pytest.mark.attack("ASI08")
@pytest.mark.parametrize("is_muted", [True, False])
async def test_a_critical_part_of_a_cascade_that_somebody_has_or_muted_is_reported(
    store: Store, is_muted: bool
) -> None:
    root = await deliver(store, symptom("web", severity=CRITICAL))
    await store.acknowledge(root, ANA, later(10))
    if is_muted:
        await store.mute(root, ANA, None, later(20))
    part = await deliver(store, symptom("cart-api", severity=CRITICAL), at=later(60))
    (report,) = [item for item in await news_of(store) if item.kind is NewsKind.CRITICAL_PART]
    assert (report.incident_id, report.facts["part"]) == (root, f"INC-{part}")
    assert report.mentions == (ANA,)
    assert (await store.incident(root)).mute is None
    await check(store)


@pytest.mark.attack("ASI08")
async def test_an_alert_folds_no_incident_that_somebody_has_and_few_at_once(store: Store) -> None:
    calls = {"orders-db": tuple(f"svc-{number}" for number in range(30))}
    declare_calls(store, calls)
    roots = [await deliver(store, symptom(name)) for name in calls["orders-db"]]
    await store.acknowledge(roots[1], ANA, later(5))
    forged = await deliver(store, symptom("orders-db"), at=later(30))
    assert (await store.incident(forged)).parent_id == roots[0]
    parents = [(await store.incident(number)).parent_id for number in roots]
    assert parents[1] is None
    assert sum(parent is not None for parent in parents) == 19
    await check(store)
