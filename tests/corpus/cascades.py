"""Kinds of faults that many alerts of many services are about: a store, a node, a deploy."""

from __future__ import annotations

from tests.corpus import senders
from tests.corpus.model import Scenario
from tests.corpus.reports import (
    SERVICE_LABELS,
    Reporter,
    by_alertmanager,
    by_cloudwatch,
    by_post,
    fire_and_resolve,
    rule_alert,
    some_reporter,
)
from tests.corpus.troubles import BY_CALLER, OF_A_DEPLOY, SLOW, STORE_DOWN, Trouble
from tests.corpus.world import Place, Service

NODE_DOWN = Trouble("KubeNodeNotReady", "", "node {service} has not been ready for {value} s")
POD_LOST = (
    Trouble("KubePodNotReady", "", "a pod of {service} is not ready", "warning"),
    Trouble("TargetDown", "availability", "{value} % of the targets of {service} are down"),
    Trouble("KubePodUnreachable", "", "a pod of {service} does not answer", "warning"),
)
POD_PENDING = Trouble("KubePodPending", "", "a pod of {service} waits for a node", "warning")


def store_down(scenario: Scenario) -> None:
    """A store is down, and the services that call it fail within minutes."""
    _store_down(scenario)


def slow_beside_a_cascade(scenario: Scenario) -> None:
    """While a store is down, the certificate, disk or backup of a member is another trouble."""
    members = _store_down(scenario)
    trouble = SLOW[scenario.number % len(SLOW)]
    minutes = scenario.random.uniform(0.5, 5)
    alert = rule_alert(scenario, scenario.random.choice(members), trouble, Place(), minutes)
    reporter = by_alertmanager(scenario, scenario.fault("slow"), alert)
    reporter.fire(minutes)
    reporter.resolve(minutes + 45)


def _store_down(scenario: Scenario) -> list[Service]:
    random, place = scenario.random, Place()
    store, callers = scenario.world.take_store(scenario.start)
    callers = callers[: random.randrange(3, len(callers) + 1)]
    reporters: list[tuple[Reporter, float]] = []
    first_is_store = random.random() < 0.6
    minutes = 0.0
    if not first_is_store:  # a caller notices first
        reporters.append(_of_caller(scenario, callers[0], place, minutes))
        minutes += random.uniform(0.2, 1.5)
    reporters.append((_of_store(scenario, store, place, minutes), minutes))
    for caller in callers[0 if first_is_store else 1 :]:
        minutes += random.uniform(0.1, 1.6)
        for _ in range(random.choice((1, 1, 2))):
            reporters.append(_of_caller(scenario, caller, place, minutes))
            minutes += random.uniform(0.05, 0.5)
    fire_and_resolve(reporters, minutes + random.uniform(8, 30))
    return [store, *callers]


def _of_store(scenario: Scenario, store: Service, place: Place, minutes: float) -> Reporter:
    kind = store.name.rsplit("-", 1)[-1]
    trouble = STORE_DOWN[kind]
    if kind == "db" and scenario.random.random() < 0.4:
        return by_cloudwatch(scenario, scenario.fault(), store, "unreachable", place)
    pod = store.pod(scenario.random)
    more = {
        "job": f"{kind}-exporter",
        "instance": f"{pod}.{store.name}.{store.namespace}.svc:9187",
        "pod": pod,
    }
    choice = scenario.random.random()
    label = "service" if choice < 0.6 else "statefulset" if choice < 0.8 else ""
    alert = rule_alert(scenario, store, trouble, place, minutes, service_label=label, **more)
    return by_alertmanager(scenario, scenario.fault(), alert)


def _of_caller(
    scenario: Scenario, caller: Service, place: Place, minutes: float
) -> tuple[Reporter, float]:
    trouble = scenario.random.choice(BY_CALLER)
    return some_reporter(scenario, scenario.fault(), caller, trouble, place, minutes), minutes


def node_down(scenario: Scenario) -> None:
    """A node is down with the pods on it; some of them come up elsewhere, under new names."""
    _node_down(scenario, Place(), scenario.world.node(), scenario.fault())


def _node_down(scenario: Scenario, place: Place, node: str, fault: str) -> None:
    random = scenario.random
    services = [scenario.world.take(scenario.start) for _ in range(random.randrange(3, 6))]
    labels = {
        "alertname": NODE_DOWN.name,
        "severity": "critical",
        "cluster": place.cluster,
        "node": node,
        "condition": "Ready",
        "job": "kube-state-metrics",
        "instance": "10.4.1.9:8080",
    }
    down = senders.RuleAlert(labels, scenario.at(0), f"node {node} is not ready")
    minutes_of_node = random.choice((0.0, 0.0, 1.5))
    reporters = [(by_alertmanager(scenario, fault, down), minutes_of_node)]
    minutes = 0.0
    for service in services:
        minutes += random.uniform(0.1, 1.0)
        trouble = random.choice(POD_LOST)
        more = {"pod": service.pod(random), "node": node, "job": "kube-state-metrics"}
        label = random.choice(("", "", "service", "deployment"))
        alert = rule_alert(scenario, service, trouble, place, minutes, service_label=label, **more)
        reporters.append((by_alertmanager(scenario, fault, alert), minutes))
    for service in services[:2]:
        minutes += random.uniform(0.3, 1.2)
        alert = rule_alert(
            scenario,
            service,
            POD_PENDING,
            place,
            minutes,
            service_label="",
            pod=service.pod(random),
            job="kube-state-metrics",
        )
        reporters.append((by_alertmanager(scenario, fault, alert), minutes))
    fire_and_resolve(reporters, minutes + random.uniform(8, 25))


def same_node_name_in_two_clusters(scenario: Scenario) -> None:
    """Nodes of the same name are down in two clusters: two faults."""
    node = f"worker-{scenario.number}"
    other = Place("staging") if scenario.number % 2 else Place("production", "us1")
    _node_down(scenario, Place(), node, scenario.fault("a"))
    _node_down(scenario, other, node, scenario.fault("b"))


def deploy_noise(scenario: Scenario) -> None:
    """A deploy of a service, and its symptoms in the minutes after it."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    if random.random() < 0.6:
        version = f"v{random.randrange(1, 9)}.{random.randrange(30)}.0"
        scenario.slack(-1, senders.deployed_post(service.name, version), "")
    minutes, reporters = 0.0, []
    for trouble in random.sample(OF_A_DEPLOY, random.randrange(2, 5)):
        is_of_a_pod = trouble.name == "KubePodCrashLooping"
        alert = rule_alert(
            scenario,
            service,
            trouble,
            place,
            minutes,
            service_label="" if is_of_a_pod else random.choice(SERVICE_LABELS),
            **({"pod": service.pod(random), "container": "main"} if is_of_a_pod else {}),
        )
        reporter = by_alertmanager(scenario, scenario.fault(), alert)
        if random.random() < 0.2:
            reporter = by_post(scenario, scenario.fault(), alert, custom=True)
        reporters.append((reporter, minutes))
        minutes += random.uniform(0.3, 3.5)
    fire_and_resolve(reporters, minutes + random.uniform(4, 12))


KINDS = {
    store_down: 8,
    slow_beside_a_cascade: 5,
    node_down: 6,
    same_node_name_in_two_clusters: 3,
    deploy_noise: 7,
}
"""The number of scenarios of each kind in a seed."""
