"""Cascades in every store: which incident opens as a child, what its root shows, and its end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.configuration import Configuration
from bot.errors import Refused
from bot.incidents.model import Alert, IncidentStatus, Severity
from bot.policy import Correlate, Policy
from store import Store
from store.admin.invariants import broken
from tests.helpers.builders import ANA, NOW, alert, deliver, later, pending_approval, resolved
from tests.helpers.stores import Storage

CALLS = {"web": ("cart-api",), "cart-api": ("orders-db",), "edge": ("web",)}


@pytest.fixture(autouse=True)
def declared_calls(store: Store) -> None:
    store.config.current = Configuration(Policy(correlate=Correlate(depends_on=CALLS)))


def latency(**changes: Any) -> Alert:
    """A second symptom of the service web."""
    return symptom("web", category="latency", **changes)


def symptom(service: str, **changes: Any) -> Alert:
    category = changes.setdefault("category", "errors")
    fields = {"service": service, "name": category, "fingerprint": f"{service}-{category}"}
    return alert(title=f"{service}: {category}", **{**fields, **changes})


async def cards(store: Store, *incident_ids: int) -> list[bool]:
    return [await store.outbox_message(f"card:{number}") is not None for number in incident_ids]


async def check(store: Store) -> None:
    assert await store._engine.read(broken) == []


async def test_a_second_symptom_of_a_service_opens_as_a_child_without_a_card(store: Store) -> None:
    root = await deliver(store, alert())
    child = await deliver(store, latency(), at=later(240))
    incident = await store.incident(child)
    assert (incident.parent_id, incident.sop_id) == (root, (await store.incident(child)).sop_id)
    assert await cards(store, root, child) == [True, False]
    assert await store.first_advice(child) is None
    assert [item.number for item in (await store.card_content(root)).children] == [f"INC-{child}"]
    await check(store)


@pytest.mark.parametrize(
    ("second", "seconds"),
    [
        (latency(), 301),
        (latency(env="test"), 60),
        (symptom("web", category="certificate", name="CertificateExpiresSoon"), 60),
        (symptom("web", category="disk_space", name="DiskSpaceLow"), 60),
        (symptom("payments"), 60),
        (latency(region="us-east-1"), 60),
    ],
    ids=["too late", "another env", "it expires", "it fills", "undeclared", "another region"],
)
async def test_what_no_rule_links_opens_as_a_root(
    store: Store, second: Alert, seconds: float
) -> None:
    root = await deliver(store, alert(region="eu-west-1"))
    other = await deliver(store, second, at=later(seconds))
    assert (await store.incident(other)).parent_id is None
    assert await cards(store, root, other) == [True, True]


async def test_a_node_that_is_down_takes_in_its_pods_of_every_namespace(store: Store) -> None:
    labels = {"node": "worker-7"}
    pods = [
        symptom(name, labels=labels | {"namespace": f"team-{name}"}, env="prod")
        for name in ("mail", "quotes")
    ]
    first, second = [await deliver(store, pod, at=later(n * 30)) for n, pod in enumerate(pods)]
    node = alert(
        name="KubeNodeNotReady",
        title="KubeNodeNotReady",
        service="",
        category="",
        labels=labels,
        env="prod",
        fingerprint="node",
    )
    third = await deliver(store, node, at=later(90))
    parents = [(await store.incident(number)).parent_id for number in (first, second, third)]
    assert parents == [None, first, first]
    await check(store)


async def test_a_declared_call_links_services_of_two_namespaces(store: Store) -> None:
    root = await deliver(store, symptom("orders-db", labels={"namespace": "data"}))
    child = await deliver(store, symptom("cart-api", labels={"namespace": "shop"}), at=later(60))
    assert (await store.incident(child)).parent_id == root


async def test_an_alert_that_begins_to_fire_in_an_incident_keeps_its_cascade_growing(
    store: Store,
) -> None:
    root = await deliver(store, alert())
    await deliver(store, alert(fingerprint="another-pod"), at=later(200))
    child = await deliver(store, latency(), at=later(480))
    assert (await store.incident(child)).parent_id == root
    await check(store)


async def test_a_slow_trouble_starts_no_cascade(store: Store) -> None:
    await deliver(store, symptom("web", category="certificate", name="CertExpiry"))
    other = await deliver(store, latency(), at=later(10))
    assert (await store.incident(other)).parent_id is None


@pytest.mark.parametrize("order", [("web", "cart-api"), ("cart-api", "web")])
async def test_a_declared_caller_or_callee_opens_as_a_child(
    store: Store, order: tuple[str, str]
) -> None:
    first, second = [await deliver(store, symptom(name)) for name in order]
    assert (await store.incident(second)).parent_id == first
    await check(store)


async def test_a_cascade_grows_from_member_to_member(store: Store) -> None:
    root = await deliver(store, symptom("orders-db"))
    members = [
        await deliver(store, symptom(name), at=later(240 * place))
        for place, name in enumerate(("cart-api", "web", "edge"), start=1)
    ]
    assert {(await store.incident(number)).parent_id for number in members} == {root}
    await check(store)


async def test_one_more_alert_of_a_member_moves_the_window_on(store: Store) -> None:
    root = await deliver(store, symptom("web"))
    more = symptom("web", name="errors too", fingerprint="more")
    assert await deliver(store, more, at=later(240)) == root
    child = await deliver(store, latency(), at=later(480))
    assert (await store.incident(child)).parent_id == root


async def test_what_churns_for_hours_does_not_keep_a_cascade_growing(store: Store) -> None:
    root = await deliver(store, symptom("web"))
    for place in range(1, 8):
        more = symptom("web", name=f"errors {place}", fingerprint=f"more-{place}")
        assert await deliver(store, more, at=later(240 * place)) == root
    other = await deliver(store, latency(), at=later(240 * 8))
    assert (await store.incident(other)).parent_id is None


@pytest.mark.parametrize("node_first", [True, False])
async def test_what_runs_on_a_node_that_is_down_is_one_cascade(
    store: Store, node_first: bool
) -> None:
    node = alert(
        service="", name="KubeNodeNotReady", category="", fingerprint="n", labels={"node": "n1"}
    )
    pods = [
        symptom(name, labels={"node": node_name})
        for name, node_name in (("shop", "n1"), ("search", "n1"), ("mail", "n2"))
    ]
    alerts = [node, *pods] if node_first else [*pods, node]
    ids = [await deliver(store, item, at=later(place)) for place, item in enumerate(alerts)]
    node_id, *of_pods = ids if node_first else [ids[-1], *ids[:-1]]
    roots = [(await store.incident(number)).parent_id or number for number in (node_id, *of_pods)]
    assert roots[0] == roots[1] == roots[2] == min(ids)
    assert roots[3] == of_pods[2]
    root = await store.incident(roots[0])
    assert (root.cause_id or root.id) == node_id
    await check(store)


async def test_a_member_that_links_two_roots_folds_the_younger_into_the_older(
    store: Store,
) -> None:
    older = await deliver(store, symptom("web"))
    younger = await deliver(store, symptom("orders-db"), at=later(5))
    waiting = await pending_approval(store, younger)
    card = await store.outbox_message(f"card:{younger}")
    assert card is not None
    await store.outbox_sent(card, "1.2")
    link = await deliver(store, symptom("cart-api"), at=later(10))
    assert [(await store.incident(number)).parent_id for number in (older, younger, link)] == [
        None,
        older,
        older,
    ]
    assert (await store.incident(older)).cause_id == younger
    ended = await store.approval(waiting.id)
    assert (ended.state, ended.reason and ended.reason.kind) == ("revoked", "part of a cascade")
    folded = await store.outbox_message(f"card:{younger}")
    assert folded is not None
    assert folded.desired_version > folded.sent_version
    root = (await store.card_content(younger)).root
    assert root is not None
    assert root.incident.id == older
    await check(store)


async def test_a_root_stays_open_until_its_last_child_is_resolved(store: Store) -> None:
    root = await deliver(store, alert())
    child = await deliver(store, latency())
    await deliver(store, resolved(), at=later(60))
    waits = await store.incident(root)
    assert (waits.status, waits.firing) == (IncidentStatus.OPEN, 0)
    await check(store)
    await deliver(store, replace(latency(), status=resolved().status), at=later(120))
    ends = [(await store.incident(number)).status for number in (root, child)]
    assert ends == [IncidentStatus.RESOLVED, IncidentStatus.RESOLVED]
    assert await store.outbox_message(f"resolved:{root}") is not None
    assert await store.outbox_message(f"resolved:{child}") is None
    await check(store)


async def test_a_child_that_is_resolved_first_leaves_its_root_open(store: Store) -> None:
    root = await deliver(store, alert())
    child = await deliver(store, latency())
    await deliver(store, replace(latency(), status=resolved().status), at=later(60))
    statuses = [(await store.incident(number)).status for number in (root, child)]
    assert statuses == [IncidentStatus.OPEN, IncidentStatus.RESOLVED]
    await check(store)


async def test_a_person_who_resolves_a_root_resolves_its_children(store: Store) -> None:
    root = await deliver(store, alert())
    child = await deliver(store, latency())
    waiting = await pending_approval(store, child)
    await store.resolve(root, ANA, later(60))
    incident = await store.incident(child)
    assert (incident.status, incident.resolved_by) == (IncidentStatus.RESOLVED, ANA)
    assert (await store.approval(waiting.id)).state == "revoked"
    await check(store)


async def test_a_resolved_cascade_takes_nothing_in(store: Store) -> None:
    root = await deliver(store, alert())
    await store.resolve(root, ANA, later(60))
    other = await deliver(store, latency(), at=later(90))
    assert (await store.incident(other)).parent_id is None


async def test_a_childs_messages_stand_in_the_thread_of_its_root(store: Store) -> None:
    root = await deliver(store, alert())
    child = await deliver(store, latency(severity=Severity.CRITICAL))
    card = await store.outbox_message(f"card:{root}")
    assert card is not None
    await store.outbox_sent(card, "1.1")
    waiting = await pending_approval(store, child)
    shown = await store.outbox_message(f"approval:{waiting.id}")
    assert shown is not None
    assert (shown.incident_id, shown.thread_ts) == (root, "1.1")
    content = await store.card_content(root)
    assert [approval.id for approval in content.waiting] == [waiting.id]
    await check(store)


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
    with pytest.raises(Refused, match=f"INC-{child} is part of INC-{root}"):
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
    assert await store.report_unanswered(later(60), (ANA,), later(900)) == 1
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
