"""The subject and the scope of an alert, by the labels that real senders write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incidents.correlation import Candidate, Verdict, decide
from bot.incidents.environments import DEFAULT
from bot.incidents.model import Alert
from bot.incidents.services import NO_SERVICES, Catalogue, Service
from bot.incidents.subject import Scope, Subject, scope_of
from bot.incidents.subject_reader import subject_of
from bot.intake import parse_body, parse_message
from tests.helpers.builders import alert, identify

DECLARED = Catalogue.of(
    [
        Service(name="checkout-api", aliases=("Checkout", "co-*"), environment="prod"),
        Service(name="orders-db", namespaces=("orders",)),
        Service(name="billing", namespaces=("money",)),
        Service(name="ledger", namespaces=("money",)),
        Service(name="search"),
    ]
)


def read(services: Catalogue = NO_SERVICES, **labels: str) -> Subject:
    """The subject of an Alertmanager alert with these labels."""
    return subject_of(received(**labels), DEFAULT, services)


def received(**labels: str) -> Alert:
    """The alert that intake makes of these labels."""
    body = {"alerts": [{"status": "firing", "labels": {"alertname": "HighCpu", **labels}}]}
    return parse_body("alertmanager", body).alerts[0]


def scope(services: Catalogue = NO_SERVICES, **labels: str) -> Scope:
    item = received(**labels)
    return scope_of(item, subject_of(item, DEFAULT, services), DEFAULT)


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"service": "checkout-api"}, "checkout-api"),
        ({"app": "prod-checkout-api", "env": "prod"}, "checkout-api"),
        ({"service": "checkout-api prod"}, "checkout-api"),
        ({"service": "prod-orders-db", "cluster": "prod-eu1"}, "orders-db"),
        ({"service": "checkout-api-eu-west-1", "region": "eu-west-1a"}, "checkout-api"),
        ({"service": "checkout.shop.svc.cluster.local"}, "checkout"),
        ({"service": "shop/checkout"}, "checkout"),
        ({"service": "Checkout API (prod)"}, "checkout-api"),
        ({"container": "app", "pod": "checkout-api-7d9f8b6c5-x2x9k"}, "checkout-api"),
        ({"job": "kube-state-metrics", "deployment": "checkout-api"}, "checkout-api"),
        ({"service": "kube-state-metrics", "pod": "orders-db-0"}, "orders-db"),
        ({"service": "kube-state-metrics", "horizontalpodautoscaler": "checkout"}, "checkout"),
        ({"job": "checkout-api", "instance": "10.0.0.1:8080"}, "checkout-api"),
        ({"instance": "checkout:8080", "service": "checkout"}, "checkout"),
    ],
)
def test_the_service_is_named_by_its_own_word(labels: dict[str, str], service: str) -> None:
    assert read(**labels).service == service


@pytest.mark.parametrize(
    "labels",
    [
        {"job": "node-exporter", "instance": "10.0.0.1:9100"},
        {"job": "mysql", "instance": "db-1:9104"},
        {"job": "web", "instance": "web-1:9100"},
        {"job": "kubernetes-pods", "container": "app"},
        {"container": "main"},
        {"container": "istio-proxy", "namespace": "shop"},
        {"pod": "prometheus-node-exporter-x2x9k", "instance": "10.0.0.1:9100"},
        {"instance": "10.0.0.1:9100"},
        {"service": "unknown"},
    ],
)
def test_what_measures_or_names_everything_is_never_the_service(labels: dict[str, str]) -> None:
    assert read(**labels).service == ""


@pytest.mark.parametrize("service", ["checkout-staging", "dev-portal", "test-runner", "live-chat"])
def test_an_environment_that_is_not_the_alerts_own_stays_in_the_name(service: str) -> None:
    assert read(service=service, env="prod").service == service


def test_a_workload_called_app_is_told_apart_by_its_namespace() -> None:
    first_scope = scope(pod="app-7d9f8b6c5-x2x9k", namespace="shop")
    other = scope(pod="app-7d9f8b6c5-9xkzq", namespace="billing")
    assert first_scope.service == other.service == "workload app"
    assert first_scope.contradicts(other)


def test_each_part_says_where_it_was_read() -> None:
    subject = read(cluster="shop-prod-eu1", pod="checkout-api-7d9f8b6c5-x2x9k", node="ip-10-0-0-1")
    assert subject == Subject(
        env="production",
        region="eu1",
        service="checkout-api",
        node="10.0.0.1",
        pod="checkout-api-7d9f8b6c5-x2x9k",
        workload="checkout-api",
        cluster="shop",
        read_from={
            "pod": "label pod",
            "workload": "pod",
            "cluster": "label cluster",
            "node": "label node",
            "env": "label cluster",
            "region": "label cluster",
            "service": "pod",
        },
    )


@pytest.mark.parametrize(
    ("labels", "region"),
    [
        ({"instance": "ip-10-0-0-1.eu-west-1.compute.internal:9100"}, "eu-west-1"),
        ({"target": "arn:aws:sqs:eu-central-1:123456789012:orders"}, "eu-central-1"),
        ({"env": "prod-us-east-1"}, "us-east-1"),
        ({"region": "eu1", "cluster": "prod-us1"}, "eu1"),
    ],
)
def test_the_region_is_read_from_what_names_it(labels: dict[str, str], region: str) -> None:
    assert read(**labels).region == region


# Declared services


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"service": "CHECKOUT"}, "checkout-api"),
        ({"service": "co-worker"}, "checkout-api"),
        ({"service": "checkout prod"}, "checkout-api"),
        ({"service": "orders-db-svc"}, "orders-db"),
        ({"service": "unheard-svc"}, "unheard-svc"),
        ({"job": "checkout", "instance": "10.0.0.1:9100"}, "checkout-api"),
        ({"container": "app", "namespace": "orders"}, "orders-db"),
        ({"container": "app", "namespace": "money"}, ""),
    ],
)
def test_a_declared_service_has_one_name(labels: dict[str, str], service: str) -> None:
    assert read(DECLARED, **labels).service == service


def test_a_declared_service_says_its_environment_if_the_alert_does_not() -> None:
    assert read(DECLARED, service="checkout").env == "prod"
    assert read(DECLARED, service="checkout", env="staging").env == "staging"
    assert scope(DECLARED, service="checkout").env == "production"


@pytest.mark.parametrize(
    ("values", "service"),
    [
        ("prod payments monitoring/k8s eu-west-1 checkout-api warning", "checkout-api"),
        ("prod payments monitoring/k8s eu-west-1 search warning", "search"),
    ],
)
def test_a_declared_service_among_the_values_of_a_post_is_the_subject(
    values: str, service: str
) -> None:
    title = f"[FIRING:1] HighRequestLatency ({values})"
    post: dict[str, Any] = {"text": "", "bot_id": "B1", "username": "Alertmanager"}
    post["attachments"] = [{"title": title, "fallback": title, "color": "a30200"}]
    (item,) = parse_message(post).alerts
    assert subject_of(item, DEFAULT, DECLARED).service == service
    assert subject_of(item, DEFAULT, NO_SERVICES).read_from["service"] == "guess"


def test_the_namespace_of_a_metric_is_no_place() -> None:
    assert read(service="cart", namespace="AWS/ECS").namespace == ""
    assert read(service="cart", namespace="shop").namespace == "shop"


def test_a_declared_service_is_one_in_every_namespace() -> None:
    first_scope = scope(DECLARED, service="checkout", namespace="shop")
    assert first_scope == scope(DECLARED, service="Checkout", namespace="shop-canary")
    assert scope(service="redis", namespace="shop") != scope(service="redis", namespace="pay")


@pytest.mark.parametrize(
    ("title", "service"),
    [
        ("inbox-api prod: High request latency (p99 is 63 ms)", "inbox-api"),
        ("[prod] inbox-api: High request latency", "inbox-api"),
        ("search prod: slow", "search"),
        ("search: slow", "search"),
        ("High latency on checkout-api", "checkout-api"),
        ("checkout-api cannot reach orders-db", ""),
        ("Slow search on the web", ""),
        ("Warning: disk is full", ""),
        ("disk-full: on prod", ""),
        ("PROBLEM: search is unreachable", "search"),
        ("search is not responding", "search"),
        ("search is what people need", ""),
        ("the indexer is down", ""),
    ],
)
def test_a_title_names_the_service_if_it_surely_does(title: str, service: str) -> None:
    item = alert(service="", env="", title=title, name=title)
    assert subject_of(item, DEFAULT, DECLARED).service == service


# Scopes: which alerts are one incident


def joins(first: Alert, second: Alert) -> bool:
    """Return True if the second alert joins the incident that the first one opens."""
    incident = Candidate(1, identify(first).sop_id, identify(first).scope, fires_fingerprint=False)
    return decide(identify(second), [incident]).verdict is Verdict.JOIN


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"env": "prod"}, {"env": "production"}),
        ({"env": "LIVE"}, {"env": "prod-eu1"}),
        ({"env": "prod-eu1"}, {"env": "prod", "region": "eu-west-1"}),
        ({"region": "eu-west-1a"}, {"region": "eu-west-1"}),
        ({"env": ""}, {"env": "prod"}),
        ({"service": "checkout-api"}, {"service": "CheckoutApi"}),
        ({"service": "checkout-api prod"}, {"service": "prod-checkout-api"}),
        (
            {"service": "", "labels": {"instance": "web-1:9100"}},
            {"service": "", "labels": {"host": "web-1.example.org"}},
        ),
        (
            {"service": "", "labels": {"node": "ip-10-0-0-1.eu-west-1.compute.internal"}},
            {"service": "", "labels": {"instance": "10.0.0.1:9100"}},
        ),
    ],
)
def test_two_spellings_of_one_subject_are_one_incident(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    opening, other = alert(**first), alert(fingerprint="other", **second)
    assert joins(opening, other)
    assert joins(other, opening)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"region": "eu-west-1"}, {"region": "us-east-1"}),
        ({"env": "prod-eu1"}, {"env": "prod-us1"}),
        ({"env": "prod-1"}, {"env": "prod-2"}),
        ({"env": "prod"}, {"env": "staging"}),
        ({"env": "prod"}, {"env": "non-prod"}),
        (
            {"labels": {"cluster": "prod-a"}},
            {"labels": {"cluster": "prod-b"}},
        ),
        (
            {"service": "", "labels": {"instance": "web-1:9100"}},
            {"service": "", "labels": {"instance": "web-2:9100"}},
        ),
        (
            {"service": "", "labels": {"node": "worker-1", "cluster": "prod-a"}},
            {"service": "", "labels": {"node": "worker-1", "cluster": "prod-b"}},
        ),
        (
            {"service": "", "labels": {"host": "web-1.a.example.org"}},
            {"service": "", "labels": {"host": "web-1.b.example.org"}},
        ),
        ({"service": ""}, {"service": ""}),
        ({"category": "", "name": "LedgerImbalance"}, {"category": "", "name": "TooManyRefunds"}),
        (
            {"source": "a", "read_from": {"service": "guess"}},
            {"source": "b", "read_from": {"service": "guess"}},
        ),
        ({"read_from": {"service": "guess"}}, {"read_from": {"service": "field"}}),
    ],
)
def test_two_subjects_are_two_incidents(first: dict[str, Any], second: dict[str, Any]) -> None:
    opening, other = alert(**first), alert(fingerprint="other", **second)
    assert not joins(opening, other)
    assert not joins(other, opening)


def test_an_unknown_region_fits_only_if_one_open_incident_does() -> None:
    nowhere = identify(alert(fingerprint="new"))
    europe = Candidate(1, "x", replace(nowhere.scope, region="eu_west_1"), fires_fingerprint=False)
    america = replace(europe, id=2, scope=replace(nowhere.scope, region="us_east_1"))
    assert decide(nowhere, [europe]).incident_id == 1
    assert decide(nowhere, [europe, america]).verdict is Verdict.OPEN
    unknown = replace(europe, id=3, scope=nowhere.scope)
    assert decide(nowhere, [europe, america, unknown]).incident_id == 3, "an equal one comes first"


def test_an_incident_learns_what_it_does_not_know_and_nothing_else() -> None:
    vague = Scope("-", "eu1", "web", "cpu", "||")
    assert vague.narrowed_by(Scope("production", "eu_west_1", "web", "cpu", "a||")) == Scope(
        "production", "eu_west_1", "web", "cpu", "a||"
    )
    sure = Scope("production", "eu_west_1", "web", "cpu", "a|shop|")
    assert sure.narrowed_by(Scope("staging", "eu1", "web", "cpu", "b|pay|x")) == replace(
        sure, place="a|shop|x"
    )


NAMES = st.sampled_from(["prod", "eu1", "us-east-1", "staging", "web", "shop", "db-0", "", "a b"])
LABELS = st.dictionaries(
    st.sampled_from(["env", "cluster", "service", "pod", "namespace", "instance", "job", "region"]),
    st.lists(NAMES, min_size=1, max_size=4).map("-".join) | st.text(max_size=60),
)


@given(LABELS)
def test_any_labels_have_a_subject_whose_scope_contradicts_itself_never(
    labels: dict[str, str],
) -> None:
    item = scope(DECLARED, **labels)
    assert item.service
    assert not item.contradicts(item)
    assert item.narrowed_by(item) == item


@given(LABELS, LABELS)
def test_contradiction_is_mutual(first: dict[str, str], second: dict[str, str]) -> None:
    first_scope, other = scope(**first), scope(**second)
    assert first_scope.contradicts(other) is other.contradicts(first_scope)
    if not first_scope.contradicts(other):
        assert not first_scope.narrowed_by(other).contradicts(first_scope)


def test_one_trouble_in_two_severities_is_one_scope_also_without_a_category() -> None:
    scopes = {
        scope(alertname=f"LedgerImbalance{severity}", service="ledger")
        for severity in ("Critical", "Warning", "")
    }
    assert len(scopes) == 1
    assert scope(alertname="RefundsCritical", service="ledger") not in scopes
