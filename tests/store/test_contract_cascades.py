"""Cascades in every store: which incident opens as a child, what its root shows, and its end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.incidents.model import Alert, IncidentStatus, Severity
from bot.incidents.subject import Scope
from store import Store
from store.operations import cascades
from tests.helpers.builders import ANA, CHANNEL, alert, deliver, later, pending_approval, resolved
from tests.helpers.cascades import cards, check, declare_calls, latency, symptom


@pytest.fixture(autouse=True)
def declared_calls(store: Store) -> None:
    declare_calls(store)


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


@pytest.mark.parametrize("zone_first", [True, False])
async def test_what_runs_in_a_zone_that_is_down_is_one_cascade(
    store: Store, zone_first: bool
) -> None:
    zone = alert(
        service="",
        name="ZoneUnreachable",
        category="",
        fingerprint="z",
        labels={"zone": "eu-west-1b"},
    )
    others = [
        symptom(name, labels={"zone": name_of_zone})
        for name, name_of_zone in (
            ("shop", "eu-west-1b"),
            ("search", "eu-west-1b"),
            ("mail", "eu-west-1a"),
        )
    ]
    alerts = [zone, *others] if zone_first else [*others, zone]
    ids = [await deliver(store, item, at=later(place)) for place, item in enumerate(alerts)]
    zone_id, *rest = ids if zone_first else [ids[-1], *ids[:-1]]
    roots = [(await store.incident(number)).parent_id or number for number in (zone_id, *rest)]
    assert roots[0] == roots[1] == roots[2] == min(ids)
    assert roots[3] == rest[2]
    root = await store.incident(roots[0])
    assert (root.cause_id or root.id) == zone_id
    await check(store)


@pytest.mark.parametrize("labels", [{"host": "db-prod-07"}, {"deployment": "app"}])
async def test_two_symptoms_of_a_host_or_workload_without_a_service_are_one_cascade(
    store: Store, labels: dict[str, str]
) -> None:
    first = symptom("", name="Load average", category="cpu", fingerprint="a", labels=labels)
    second = symptom("", name="Agent is not available", fingerprint="b", labels=labels)
    other = symptom("", name="Agent is not available", fingerprint="c")
    root, child, apart = [
        await deliver(store, item, at=later(60 * place))
        for place, item in enumerate((first, second, other))
    ]
    assert (await store.incident(child)).parent_id == root
    assert (await store.incident(apart)).parent_id is None


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
    assert await store.joined([younger, link]) == {
        younger: f"Child of INC-{older}: INC-{link} is linked with both",
        link: f"Child of INC-{older}",
    }
    await check(store)


@pytest.mark.parametrize(("sop_id", "is_advised"), [(None, False), ("cart-errors", True)])
async def test_a_changed_cause_posts_nothing_and_gets_advice_only_for_a_chosen_sop(
    store: Store, sop_id: str | None, is_advised: bool
) -> None:
    root = await deliver(store, symptom("web"))
    card = await store.outbox_message(f"card:{root}")
    assert card is not None
    await store.outbox_sent(card, "1.1")
    child = await deliver(store, symptom("cart-api"), at=later(5), sop_id=sop_id)
    assert (await store.incident(root)).cause_id == child
    due = await store.outbox_due(CHANNEL, later(120))
    assert [message.kind for message in due] == ["card"]
    assert "cause" in [entry.kind for entry in await store.timeline(root)]
    assert (await store.first_advice(child) is not None) is is_advised


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


async def test_a_sender_whose_clock_runs_behind_reports_a_symptom_of_the_same_fault(
    store: Store,
) -> None:
    root = await deliver(store, symptom("web"), at=later(3600))
    slow_clock = latency(starts_at=later(3660 - 420))
    child = await deliver(store, slow_clock, at=later(3660))
    assert (await store.incident(child)).parent_id == root
    await check(store)


@pytest.mark.parametrize("is_apart", [False, True])
async def test_a_callee_of_unknown_region_brings_no_second_region_into_its_cascade(
    store: Store, is_apart: bool
) -> None:
    """The root calls what the new incident does not know: no rule reads it."""
    declare_calls(store, {"web": ("cart-api",), "mail": ("cart-api",)})
    root = await deliver(store, symptom("web", region="eu-west-1"))
    callee = await deliver(store, symptom("cart-api", region=""), at=later(20))
    assert (await store.incident(callee)).parent_id == root
    region = "us-east-1" if is_apart else "eu-west-1"
    other = await deliver(store, symptom("mail", region=region), at=later(40))
    assert (await store.incident(other)).parent_id == (None if is_apart else root)
    await check(store)


async def test_of_a_large_cascade_only_the_places_of_its_members_are_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    compatible = cascades.compatible

    def counting(new: Scope, chosen: Any, scopes: dict[int, list[Scope]], calls: Any) -> Any:
        read.append(sum(map(len, scopes.values())))
        return compatible(new, chosen, scopes, calls)

    declare_calls(store, {"web": tuple(f"callee-{n}" for n in range(12))})
    root = await deliver(store, symptom("web"))
    for number in range(11):
        await deliver(store, symptom(f"callee-{number}", env=""), at=later(10))
    monkeypatch.setattr(cascades, "compatible", counting)
    child = await deliver(store, symptom("callee-11"), at=later(20))
    assert (await store.incident(child)).parent_id == root
    assert read == [2], "one place of the root, one of its children"
    await check(store)
