"""Words in names: pods, hosts, exporters and regions, as real tools write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incidents.environments import DEFAULT
from bot.incidents.names import (
    Host,
    host_of,
    is_exporter,
    is_service_name,
    without_severity,
    workload_of_job,
    workload_of_pod,
    workload_of_replicaset,
)
from bot.incidents.places import region_name, regions_contradict, split_place

WORDS = st.text(max_size=400)


@pytest.mark.parametrize(
    ("pod", "workload"),
    [
        ("checkout-api-7d9f8b6c5-x2x9k", "checkout-api"),
        ("checkout-api-6b4f9c7d8f-9xkzq", "checkout-api"),
        ("coredns-558bd4d5db-2p9wc", "coredns"),
        ("payments-v2-5c6d7f8b9-h4k2m", "payments-v2"),
        ("web-5f4dcc3b5-abcde", "web"),
        ("orders-db-0", "orders-db"),
        ("redis-master-12", "redis-master"),
        ("node-agent-zx9k2", "node-agent"),
        ("backup-28123456-x2x9k", "backup"),
        ("migrate-0-7xk9z", "migrate"),
        ("CHECKOUT-7d9f8b6c5-x2x9k", "checkout"),
    ],
)
def test_a_pods_name_says_its_workload(pod: str, workload: str) -> None:
    assert workload_of_pod(pod) == workload


@pytest.mark.parametrize(
    "pod", ["api-gateway", "orders-cache", "checkout-canary-front", "my-web", "orders-db-007", "x"]
)
def test_a_name_that_only_resembles_a_pods_stays_as_it_is(pod: str) -> None:
    assert workload_of_pod(pod) == pod


def test_a_job_and_a_replica_set_are_those_of_their_owner() -> None:
    assert workload_of_job("backup-28123456") == "backup"
    assert workload_of_job("backup-2") == "backup-2"
    assert workload_of_replicaset("web-7d9f8b6c5") == "web"
    assert workload_of_replicaset("web-api") == "web-api"


@pytest.mark.parametrize(
    ("word", "host"),
    [
        ("10.0.0.1:9100", Host("10.0.0.1", "", "9100")),
        ("ip-10-0-0-1.eu-west-1.compute.internal", Host("10.0.0.1", "eu-west-1.compute.internal")),
        ("web-1.example.org:9100", Host("web-1", "example.org", "9100")),
        ("WEB-1", Host("web-1")),
        ("https://web-1.example.org/health", Host("web-1", "example.org")),
        ("[2001:db8::1]:9100", Host("2001:db8::1", "", "9100")),
        ("2001:db8::1", Host("2001:db8::1")),
    ],
)
def test_a_host_is_its_short_name_without_port(word: str, host: Host) -> None:
    assert host_of(word) == host


@pytest.mark.parametrize(
    "word", ["", "localhost:9090", "127.0.0.1:9093", "[::1]:9100", "a b", "x:y", "-", "0.0.0.0:80"]
)
def test_what_is_no_host_of_its_own_has_no_name(word: str) -> None:
    assert host_of(word) == Host("")


@pytest.mark.parametrize(
    "word",
    [
        "node-exporter", "kube-state-metrics", "monitoring-kube-state-metrics", "mysqld_exporter",
        "kubelet", "cadvisor", "blackbox-http", "kubernetes-pods", "serviceMonitor/shop/web/0",
        "integrations/unix", "kube-prometheus-stack-operator", "kubernetes-service-endpoints",
    ],
)  # fmt: skip
def test_what_measures_is_never_a_service(word: str) -> None:
    assert is_exporter(word)
    assert not is_service_name(word)


@pytest.mark.parametrize("word", ["app", "main", "unknown", "n/a", "server", "42", "-", "http"])
def test_a_word_that_names_everything_names_nothing(word: str) -> None:
    assert not is_service_name(word)


def test_a_container_called_after_its_part_is_no_service_but_a_label_may_be() -> None:
    assert not is_service_name("api", "container")
    assert not is_service_name("istio-proxy", "container")
    assert is_service_name("api", "service")
    assert is_service_name("checkout-api", "container")


@pytest.mark.parametrize(
    ("word", "region"),
    [
        ("eu-west-1a", "eu-west-1"),
        ("EU-WEST-1", "eu-west-1"),
        ("us-gov-west-1", "us-gov-west-1"),
        ("europe-west1-b", "europe-west1"),
        ("euw1", "eu-west-1"),
        ("apse2", "ap-southeast-2"),
        ("West Europe", "westeurope"),
        ("eu1", "eu1"),
        ("dc-7", "dc-7"),
    ],
)
def test_a_zone_and_a_short_code_are_their_region(word: str, region: str) -> None:
    assert region_name(word) == region


@pytest.mark.parametrize(
    ("first", "second", "contradict"),
    [
        ("eu-west-1", "eu-west-2", True),
        ("eu-west-1", "us-east-1", True),
        ("eu1", "eu2", True),
        ("eu1", "us1", True),
        ("eu1", "us-east-1", True),
        ("eu-east", "eu-west-1", True),
        ("dc1", "eu-west-1", True),
        ("eu1", "eu-west-1", False),
        ("eu1", "europe-west1", False),
        ("eu", "westeurope", False),
        ("eu-west", "eu-west-1", False),
        ("", "eu-west-1", False),
    ],
)
def test_an_operators_word_fits_the_regions_it_may_mean(
    first: str, second: str, contradict: bool
) -> None:
    assert regions_contradict(first, second) is contradict
    assert regions_contradict(second, first) is contradict


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("prod", ("production", "", "")),
        ("LIVE", ("production", "", "")),
        ("prod-eu1", ("production", "eu1", "")),
        ("prod_eu_west_1", ("production", "eu-west-1", "")),
        ("eks-prod-euw1", ("production", "eu-west-1", "")),
        ("shop-prod-eu-west-1", ("production", "eu-west-1", "shop")),
        ("gke_acme_europe-west1-b_prod", ("production", "europe-west1", "acme")),
        ("stg-us-east-1", ("staging", "us-east-1", "")),
        ("pre-prod", ("preproduction", "", "")),
        ("shop-pre-prod", ("preproduction", "", "shop")),
        ("prod-1", ("production", "", "1")),
        ("production-blue", ("production", "", "blue")),
        ("k8s-shop", ("", "", "shop")),
        ("uat2", ("", "", "uat2")),
    ],
)
def test_the_name_of_a_cluster_says_its_environment_and_region(
    word: str, parts: tuple[str, str, str]
) -> None:
    assert split_place(word, DEFAULT) == parts


@pytest.mark.parametrize("word", ["non-prod", "shop-dev-prod", "nonprod", "xprod", "product"])
def test_a_name_of_no_environment_or_of_two_says_none(word: str) -> None:
    assert split_place(word, DEFAULT)[0] == ""


@given(WORDS, WORDS)
def test_any_word_can_be_read(word: str, other: str) -> None:
    workload_of_pod(word)
    host = host_of(word)
    assert host_of(host.name).name in (host.name, "") or ":" in host.name
    env, region, _ = split_place(word, DEFAULT)
    assert env == "" or env in DEFAULT.names
    assert region_name(region_name(word)) == region_name(word)
    assert regions_contradict(word, other) is regions_contradict(other, word)
    assert not regions_contradict(region, region)


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("QueueLagCritical", "QueueLag"),
        ("QueueLagWarning", "QueueLag"),
        ("QueueLag", "QueueLag"),
        ("queue_lag_crit", "queue_lag"),
        ("Queue lag - WARNING", "Queue lag"),
        ("Queue lag (critical)", "Queue lag"),
        ("MemoryHigh", "MemoryHigh"),
        ("CriticalPodDown", "CriticalPodDown"),
        ("Critical", "Critical"),
        ("-critical", "-critical"),
        ("", ""),
    ],
)
def test_a_severity_at_the_end_of_an_alerts_name_is_no_part_of_what_it_is_about(
    name: str, rest: str
) -> None:
    assert without_severity(name) == rest
