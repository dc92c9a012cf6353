"""Kinds of faults of what services run on, or are measured by: a zone, host, disk, data source."""

from __future__ import annotations

from tests.corpus import senders
from tests.corpus.model import Scenario
from tests.corpus.reports import (
    Reporter,
    by_alertmanager,
    fire_and_resolve,
    resolved,
    rule_alert,
    some_reporter,
)
from tests.corpus.senders import RuleAlert
from tests.corpus.troubles import ACUTE, BY_CALLER, Trouble
from tests.corpus.world import Place

OF_A_ZONE = ("AvailabilityZoneUnreachable", "ZoneNetworkPartition", "CrossZonePacketLoss")
OF_A_HOST = (
    Trouble("HostHighCpuLoad", "cpu", "load of {service} is {value}", "warning"),
    Trouble("HostOutOfMemory", "memory", "{value} % of the memory of {service} is free"),
    Trouble("SystemdUnitFailed", "", "{value} units of {service} have failed", "warning"),
)
SLOW_DISK = Trouble("DiskIOSaturation", "disk", "the disk of {service} is busy: {value} %")


def zone_down(scenario: Scenario) -> None:
    """A zone is cut off, with its nodes and what runs there; some of it is noticed first."""
    _zone_down(scenario, "a", scenario.fault())


def two_zones_down(scenario: Scenario) -> None:
    """The zones of two regions are cut off in one hour: two faults."""
    _zone_down(scenario, "a", scenario.fault("a"), Place("production", "eu1"))
    _zone_down(scenario, "a", scenario.fault("b"), Place("production", "us1"))


def _zone_down(scenario: Scenario, letter: str, fault: str, place: Place | None = None) -> None:
    random, place = scenario.random, place or Place()
    where = {"region": place.region, "zone": f"{place.region}{letter}", "env": place.short_env}
    begins = random.choice((0.0, 0.0, 1.0))
    down = _of_platform(scenario, random.choice(OF_A_ZONE), where, begins, "critical")
    reporters = [(by_alertmanager(scenario, fault, down), begins)]
    for _ in range(2):
        labels = {**where, "node": scenario.world.node(), "job": "kube-state-metrics"}
        begins += random.uniform(0.1, 0.6)
        node = _of_platform(scenario, "KubeNodeNotReady", labels, begins, "warning")
        reporters.append((by_alertmanager(scenario, fault, node), begins))
    for _ in range(random.randrange(2, 5)):
        begins += random.uniform(0.1, 0.6)
        service = scenario.world.take(scenario.start)
        labels = {"region": where["region"], "zone": where["zone"], "pod": service.pod(random)}
        alert = rule_alert(
            scenario, service, random.choice(ACUTE), place, begins, env_label="env", **labels
        )
        reporters.append((by_alertmanager(scenario, fault, alert), begins))
    fire_and_resolve(reporters, begins + random.uniform(8, 25))


def symptoms_of_a_host(scenario: Scenario) -> None:
    """Two symptoms of each of two hosts, of which no service is known: two faults."""
    random, place, number = scenario.random, Place(), scenario.number
    reporters: list[tuple[Reporter, float]] = []
    for fault, host in (("a", f"app-{number + 40}"), ("b", f"app-{number + 60}")):
        for trouble in random.sample(OF_A_HOST, 2):
            minutes = random.uniform(0, 4)
            labels = {"instance": f"{host}.quay.example:9100", "job": "node-exporter"}
            labels["env"] = place.short_env
            text = trouble.summary.format(service=host, value=random.randrange(3, 90))
            alert = _of_platform(scenario, trouble.name, labels, minutes, trouble.severity, text)
            reporters.append((by_alertmanager(scenario, scenario.fault(fault), alert), minutes))
    fire_and_resolve(reporters, random.uniform(12, 40))


def slow_disk_of_a_store(scenario: Scenario) -> None:
    """The disk of a store is busy, and its callers are slow."""
    random, place = scenario.random, Place()
    store, callers = scenario.world.take_store(scenario.start)
    alert = rule_alert(scenario, store, SLOW_DISK, place, 0, with_category=random.random() < 0.5)
    reporters = [(by_alertmanager(scenario, scenario.fault(), alert), 0.0)]
    minutes = 0.0
    for caller in callers[:3]:
        minutes += random.uniform(0.2, 2)
        trouble = random.choice(BY_CALLER)
        reporter = some_reporter(scenario, scenario.fault(), caller, trouble, place, minutes)
        reporters.append((reporter, minutes))
    fire_and_resolve(reporters, minutes + random.uniform(8, 30))


def data_source_down(scenario: Scenario) -> None:
    """Grafana cannot query a data source, and says so for the rule of each service."""
    random = scenario.random
    uid = f"P{random.randrange(16**8):08X}"
    for number in range(random.randrange(3, 7)):
        service = scenario.world.take(scenario.start)
        labels = {
            "alertname": "DatasourceError",
            "datasource_uid": uid,
            "rulename": f"{service.name} {random.choice(ACUTE).name}",
            "service": service.name,
            "env": "prod",
            "severity": "warning",
        }
        minutes = number * random.uniform(0.1, 0.8)
        alert = RuleAlert(labels, scenario.at(minutes), "the data source does not answer")
        reporter = by_alertmanager(scenario, scenario.fault(), alert, grafana=True)
        fire_and_resolve([(reporter, minutes)], 15 + number)


def resolve_sent_again(scenario: Scenario) -> None:
    """Alertmanager sends the resolve of an alert again, because it got no answer."""
    service, place = scenario.world.take(scenario.start), Place()
    alert = rule_alert(scenario, service, scenario.random.choice(ACUTE), place, 0)
    scenario.http(0, "alertmanager", senders.alertmanager(alert))
    body = senders.alertmanager(resolved(alert, scenario.at(12)))
    for minutes in (12.5, 13, 17):
        scenario.http(minutes, "alertmanager", body)


def service_in_the_title(scenario: Scenario) -> None:
    """A script says only in its text which declared service is down."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    text = f"{service.name} is {random.choice(('unreachable', 'down', 'not responding'))}"

    def report(minutes: float, is_resolved: bool) -> None:
        scenario.slack(minutes, senders.plain_post(text, resolved=is_resolved), scenario.fault())

    probe = Reporter(lambda minutes: report(minutes, False), lambda minutes: report(minutes, True))
    alert = rule_alert(scenario, service, random.choice(ACUTE), place, 1)
    other = by_alertmanager(scenario, scenario.fault(), alert)
    fire_and_resolve([(other, 0.0), (probe, random.uniform(0.3, 3))], 18)


def _of_platform(
    scenario: Scenario,
    name: str,
    labels: dict[str, str],
    minutes: float,
    severity: str,
    text: str = "",
) -> RuleAlert:
    """Return an alert about something that is no service."""
    labels = {"alertname": name, "severity": severity, **labels}
    return RuleAlert(labels, scenario.at(minutes - 0.3), text)


KINDS = {
    zone_down: 4,
    two_zones_down: 2,
    symptoms_of_a_host: 3,
    slow_disk_of_a_store: 3,
    data_source_down: 3,
    resolve_sent_again: 3,
    service_in_the_title: 4,
}
"""The number of scenarios of each kind in a seed."""
