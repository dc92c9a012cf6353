"""Kinds of faults that must stay apart, though their alerts look alike."""

from __future__ import annotations

from tests.corpus import senders
from tests.corpus.model import Scenario
from tests.corpus.reports import (
    Reporter,
    by_alertmanager,
    fire_and_resolve,
    rule_alert,
    some_reporter,
)
from tests.corpus.senders import RuleAlert
from tests.corpus.troubles import ACUTE, UNCATEGORISED, Trouble
from tests.corpus.world import Place


def no_category(scenario: Scenario) -> None:
    """Two troubles of one service without a category, a quarter of an hour apart."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    begins = (0.0, random.uniform(12, 30))
    reporters: list[tuple[Reporter, float]] = []
    for name, trouble, minutes in zip("ab", random.sample(UNCATEGORISED, 2), begins, strict=True):
        alert = rule_alert(scenario, service, trouble, place, minutes)
        reporters.append((by_alertmanager(scenario, scenario.fault(name), alert), minutes))
    fire_and_resolve(reporters, 55)


def same_exporter(scenario: Scenario) -> None:
    """One exporter measures two hosts, each with a trouble of its own."""
    random, place = scenario.random, Place()
    job, name, text = random.choice(
        (
            ("node-exporter", "HostHighLoad", "load is {value}"),
            ("node", "HostOutOfMemory", "{value} % of memory is free"),
            ("windows_exporter", "HostDiskLatencyHigh", "a write takes {value} ms"),
            ("snmp", "InterfaceErrors", "{value} errors a second"),
        )
    )
    number = scenario.number + 10
    hosts = [f"db-{number}", f"web-{number + 70}"]
    random.shuffle(hosts)
    reporters: list[tuple[Reporter, float]] = []
    for fault, host, minutes in zip("ab", hosts, (0.0, random.uniform(0.3, 4)), strict=True):
        port = 9182 if job == "windows_exporter" else 9100
        labels = {
            "alertname": name,
            "job": job,
            "instance": f"{host}.quay.example:{port}",
            "env": place.short_env,
            "severity": "warning",
        }
        value = text.format(value=random.randrange(3, 90))
        alert = RuleAlert(labels, scenario.at(minutes - 1), f"{host}: {value}")
        reporters.append((by_alertmanager(scenario, scenario.fault(fault), alert), minutes))
    fire_and_resolve(reporters, 25)


def same_container(scenario: Scenario) -> None:
    """The containers of two workloads have the same name."""
    random, place = scenario.random, Place()
    trouble = random.choice(
        (
            Trouble("ContainerRestarts", "", "{value} restarts", "warning"),
            Trouble("CPUThrottlingHigh", "cpu", "{value} % throttling", "warning"),
            Trouble("KubeContainerOOMKilled", "memory", "a container was killed"),
        )
    )
    container = random.choice(("app", "main", "server", "web"))
    reporters: list[tuple[Reporter, float]] = []
    for fault, minutes in (("a", 0.0), ("b", random.uniform(0.2, 4))):
        service = scenario.world.take(scenario.start)
        alert = rule_alert(
            scenario,
            service,
            trouble,
            place,
            minutes,
            service_label="",
            pod=service.pod(random),
            container=container,
            job="kubelet",
        )
        reporters.append((by_alertmanager(scenario, scenario.fault(fault), alert), minutes))
    fire_and_resolve(reporters, 20)


def two_regions(scenario: Scenario) -> None:
    """The same alert of the same service in two regions."""
    random, service, trouble = (
        scenario.random,
        scenario.world.take(scenario.start),
        scenario.random.choice(ACUTE),
    )
    labels_the_region = random.random() < 0.7
    reporters: list[tuple[Reporter, float]] = []
    for fault, region, minutes in (("a", "eu1", 0.0), ("b", "us1", random.uniform(0.2, 6))):
        place = Place("production", region)
        alert = rule_alert(
            scenario,
            service,
            trouble,
            place,
            minutes,
            env_label="env" if labels_the_region else "cluster",
            with_region=labels_the_region,
        )
        reporters.append((by_alertmanager(scenario, scenario.fault(fault), alert), minutes))
    fire_and_resolve(reporters, 30)


def two_environments(scenario: Scenario) -> None:
    """The same alert of the same service in production and in staging."""
    random, service, trouble = (
        scenario.random,
        scenario.world.take(scenario.start),
        scenario.random.choice(ACUTE),
    )
    label = random.choice(("cluster", "env", "environment"))
    reporters: list[tuple[Reporter, float]] = []
    for env, minutes in (("production", 0.0), ("staging", random.uniform(0.1, 5))):
        alert = rule_alert(scenario, service, trouble, Place(env), minutes, env_label=label)
        reporters.append((by_alertmanager(scenario, scenario.fault(env), alert), minutes))
    fire_and_resolve(reporters, 30)


def missing_labels(scenario: Scenario) -> None:
    """Two alerts that name neither service nor environment."""
    random = scenario.random
    number = random.randrange(10, 200)
    pairs = (
        (f"Pump {number} leaks", f"Door {number} is open"),
        (f"Nightly export {_word(number)} failed", f"Mail relay {_word(number + 3)} rejects"),
        (f"Sensor {_word(number)} is silent", f"Sensor {_word(number + 1)} is silent"),
    )
    titles = pairs[scenario.number % len(pairs)]
    for fault, title, minutes in zip("ab", titles, (0.0, random.uniform(0.1, 4)), strict=True):
        scenario.http(
            minutes, "generic", {"title": title, "state": "firing"}, scenario.fault(fault)
        )
        body = {"title": title, "state": "resolved"}
        scenario.http(minutes + 25, "generic", body, scenario.fault(fault))


def only_an_instance(scenario: Scenario) -> None:
    """Two rules without any label but the address that they watch."""
    random = scenario.random
    names = random.sample(("EndpointUnreachable", "HandshakeFailing", "SlowReplies"), 2)
    if scenario.number % 2:  # the same rule for two addresses
        names = [names[0], names[0]]
    reporters: list[tuple[Reporter, float]] = []
    for fault, name, minutes in zip("ab", names, (0.0, random.uniform(0.1, 4)), strict=True):
        address = (
            f"10.{random.randrange(1, 90)}.{random.randrange(250)}.{random.randrange(250)}:443"
        )
        labels = {"alertname": name, "instance": address, "severity": "warning"}
        alert = senders.RuleAlert(labels, scenario.at(minutes), f"{address}: {name}")
        reporters.append((by_alertmanager(scenario, scenario.fault(fault), alert), minutes))
    fire_and_resolve(reporters, 25)


def unrelated(scenario: Scenario) -> None:
    """Services that do not call each other fail in the same minute, for reasons of their own."""
    random = scenario.random
    place = Place()
    reporters: list[tuple[Reporter, float]] = []
    for fault in "abc":
        service = scenario.world.take(scenario.start)
        minutes = random.uniform(0, 0.9)
        trouble = random.choice(ACUTE)
        reporter = some_reporter(scenario, scenario.fault(fault), service, trouble, place, minutes)
        reporters.append((reporter, minutes))
    fire_and_resolve(reporters, random.uniform(10, 40))


def _word(number: int) -> str:
    return "".join("bcdfghjklm"[int(digit)] for digit in str(number)) + "o"


KINDS = {
    no_category: 7,
    same_exporter: 6,
    same_container: 6,
    two_regions: 6,
    two_environments: 5,
    missing_labels: 6,
    only_an_instance: 4,
    unrelated: 7,
}
"""The number of scenarios of each kind in a seed."""
