"""People correct cascades, nobody is asked about a child, and two replicas agree."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.configuration import Configuration
from bot.errors import Refused
from bot.incidents.model import IncidentStatus, Severity
from bot.policy import Correlate, Policy
from store import Store
from store.operations.cutoffs import Cutoff
from tests.helpers.builders import ANA, NOW, alert, deliver, later, resolved
from tests.helpers.cascades import cards, check, declare_calls, latency, symptom
from tests.helpers.stores import Storage


@pytest.fixture(autouse=True)
def declared_calls(store: Store) -> None:
    declare_calls(store)


async def test_a_child_that_is_split_is_a_root_with_its_own_card_and_advice(store: Store) -> None:
    root = await deliver(store, alert())
    child = await deliver(store, latency())
    change = await store.split(child, ANA, later(30))
    assert (change.changed, change.incident.parent_id) == (True, None)
    assert await cards(store, root, child) == [True, True]
    assert await store.first_advice(child) is not None
    assert not (await store.split(child, ANA, later(31))).changed
    assert [entry.kind for entry in await store.timeline(root)][-1] == "split"
    await check(store)


async def test_what_a_person_split_is_not_folded_together_by_a_new_member(store: Store) -> None:
    root = await deliver(store, symptom("web"))
    child = await deliver(store, symptom("cart-api"))
    await store.split(child, ANA, later(30))
    member = await deliver(store, symptom("edge"), at=later(40))
    both = await deliver(store, symptom("cart-api", category="latency"), at=later(50))
    assert (await store.incident(member)).parent_id == root
    assert (await store.incident(both)).parent_id in (root, child)
    assert (await store.incident(child)).parent_id is None
    await check(store)


async def test_a_root_resolves_when_its_last_open_child_is_split_and_nothing_else_fires(
    store: Store,
) -> None:
    root = await deliver(store, alert())
    child = await deliver(store, latency())
    await deliver(store, resolved(), at=later(20))
    await store.split(child, ANA, later(30))
    statuses = [(await store.incident(number)).status for number in (root, child)]
    assert statuses == [IncidentStatus.RESOLVED, IncidentStatus.OPEN]
    await check(store)


async def test_a_person_merges_a_root_with_its_children_into_another(store: Store) -> None:
    first = await deliver(store, symptom("payments"))
    second = await deliver(store, symptom("web"))
    child = await deliver(store, latency())
    change = await store.merge(second, first, ANA, later(30))
    assert change.changed
    assert [(await store.incident(number)).parent_id for number in (first, second, child)] == [
        None,
        first,
        first,
    ]
    assert not (await store.merge(second, first, ANA, later(31))).changed
    await check(store)


async def test_a_merge_of_a_part_or_of_what_is_resolved_is_refused(store: Store) -> None:
    root = await deliver(store, alert())
    child = await deliver(store, latency())
    other = await deliver(store, symptom("payments"))
    with pytest.raises(Refused, match=f"INC-{child} is a child of INC-{root}"):
        await store.merge(child, other, ANA, later(30))
    await store.resolve(root, ANA, later(40))
    with pytest.raises(Refused, match="resolved"):
        await store.merge(other, root, ANA, later(50))
    await check(store)


@pytest.mark.parametrize(("seconds", "is_related"), [(59, True), (61, False)])
async def test_an_undeclared_neighbour_in_the_namespace_is_offered_and_not_merged(
    store: Store, seconds: float, *, is_related: bool
) -> None:
    labels = {"namespace": "shop", "cluster": "blue"}
    first = await deliver(store, symptom("payments", labels=labels))
    second = await deliver(store, symptom("search", labels=labels), at=later(seconds))
    assert (await store.incident(second)).parent_id is None
    related = (await store.card_content(second)).related
    assert (related and related.id) == (first if is_related else None)
    await store.resolve(first, ANA, later(70))
    assert (await store.card_content(second)).related is None


async def test_each_alert_keeps_the_rule_the_facts_and_the_alternatives(store: Store) -> None:
    older = await deliver(store, symptom("web"))
    younger = await deliver(store, symptom("orders-db"))
    link = await deliver(store, symptom("cart-api"))
    (grouped,) = (await store.grouped_alerts(link, limit=5)).alerts
    assert grouped.reason == "a declared call between the services"
    assert grouped.facts["incident"] == f"INC-{older}"
    assert {grouped.facts["caller"], grouped.facts["callee"]} == {"web", "cart_api"}
    assert [number for number, _ in grouped.alternatives] == [younger]


async def test_a_child_that_fires_again_goes_on_while_its_root_is_open(store: Store) -> None:
    root = await deliver(store, alert())
    child = await deliver(store, latency())
    await deliver(store, replace(latency(), status=resolved().status), at=later(60))
    assert await deliver(store, latency(), at=later(600)) == child
    incident = await store.incident(child)
    assert (incident.status, incident.parent_id) == (IncidentStatus.OPEN, root)
    assert await cards(store, root, child) == [True, False]
    await check(store)


async def test_a_child_whose_root_is_resolved_is_reopened_as_a_root(store: Store) -> None:
    root = await deliver(store, alert())
    child = await deliver(store, latency())
    await store.resolve(root, ANA, later(60))
    await store.reopen(child, ANA, later(90))
    assert (await store.incident(child)).parent_id is None
    assert (await store.incident(root)).status is IncidentStatus.RESOLVED
    assert await cards(store, root, child) == [True, True]
    assert await store.first_advice(child) is not None
    await check(store)


async def test_a_child_without_a_card_is_no_overdue_work(store: Store) -> None:
    root = await deliver(store, alert())
    await deliver(store, latency())
    card = await store.outbox_message(f"card:{root}")
    assert card is not None
    await store.outbox_sent(card, "1.1")
    assert "card" not in {work.what for work in await store.overdue_work(later(3600))}


async def test_nobody_is_asked_about_a_child(store: Store) -> None:
    older = await deliver(store, symptom("web"))
    younger = await deliver(store, symptom("orders-db", severity=Severity.CRITICAL))
    for number in (older, younger):
        card = await store.outbox_message(f"card:{number}")
        assert card is not None
        await store.outbox_sent(card, f"1.{number}")
    await deliver(store, symptom("cart-api"))
    assert await store.report_unanswered(Cutoff(later(60)), lambda _: (ANA,), later(900)) == 1
    news = (await store.card_content(older)).bad_news
    assert [item.incident_id for item in news] == [older]


@pytest.mark.parametrize("year", [1, 1970])
async def test_a_start_that_nobody_can_believe_takes_no_part(store: Store, year: int) -> None:
    start = NOW.replace(year=year, month=1, day=1)
    root = await deliver(store, alert(starts_at=start))
    child = await deliver(store, latency(starts_at=start), at=later(60))
    assert (await store.incident(child)).parent_id == root


ROUNDS = 8


async def test_of_two_symptoms_at_once_one_is_the_others_child(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    calls = {f"web-{number}": (f"db-{number}",) for number in range(ROUNDS)}
    for store in (here, there):
        store.config.current = Configuration(Policy(correlate=Correlate(depends_on=calls)))
    for number in range(ROUNDS):
        ids = await asyncio.gather(
            deliver(here, symptom(f"web-{number}")), deliver(there, symptom(f"db-{number}"))
        )
        parents = {(await here.incident(item)).parent_id for item in ids}
        assert parents == {None, min(ids)}
    await check(here)


async def test_a_root_whose_children_resolve_at_once_resolves_once(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    calls = {"web": ("db",), "edge": ("web",)}
    for store in (here, there):
        store.config.current = Configuration(
            Policy(correlate=Correlate(depends_on=calls, flapping_changes=0))
        )
    for _ in range(ROUNDS):
        alerts = [symptom(name) for name in ("web", "db", "edge")]
        root, *_children = [await deliver(here, item) for item in alerts]
        ends = [replace(item, status=resolved().status) for item in alerts]
        await asyncio.gather(
            *(deliver(store, end) for store, end in zip((here, there, here), ends, strict=True))
        )
        assert (await here.incident(root)).status is IncidentStatus.RESOLVED
        kinds = [entry.kind for entry in await here.timeline(root)]
        assert kinds.count("resolved") == 1
    await check(here)
