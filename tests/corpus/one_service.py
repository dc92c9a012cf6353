"""Kinds of faults of one service: whatever its senders say, it is one fault."""

from __future__ import annotations

from tests.corpus import senders
from tests.corpus.model import Scenario
from tests.corpus.reports import (
    SERVICE_LABELS,
    by_alertmanager,
    by_cloudwatch,
    by_datadog,
    by_post,
    by_script,
    by_uptime_kuma,
    fire_and_resolve,
    resolved,
    rule_alert,
    some_reporter,
)
from tests.corpus.troubles import ACUTE, Trouble
from tests.corpus.world import Place


def two_senders(scenario: Scenario) -> None:
    """Two senders, which spell the environment differently; one names the region."""
    random, fault = scenario.random, scenario.fault()
    service, place = scenario.world.take(scenario.start), Place()
    trouble = random.choice(ACUTE)
    other = trouble if random.random() < 0.6 else random.choice(ACUTE)
    region_first = random.random() < 0.5
    alert = rule_alert(
        scenario,
        service,
        trouble,
        place,
        0,
        env_label=random.choice(("cluster", "env", "environment")),
        service_label=random.choice(SERVICE_LABELS),
        with_region=region_first,
    )
    first = by_alertmanager(scenario, fault, alert, grafana=random.random() < 0.3)
    choice = scenario.number % 7
    if choice == 0:
        second = by_cloudwatch(scenario, fault, service, random.choice(("cpu", "errors")), place)
    elif choice == 1:
        second = by_uptime_kuma(scenario, fault, service, place)
    elif choice == 2:
        second = by_script(scenario, fault, service, other, place)
    elif choice in (5, 6):
        posted = rule_alert(
            scenario, service, other, place, 1, env_label="env", with_region=not region_first
        )
        second = by_post(scenario, fault, posted, custom=choice == 6)
    else:
        second = by_datadog(
            scenario, fault, service, other, place, with_region=not region_first, posted=choice == 3
        )
    reporters = [(first, 0.0), (second, random.uniform(0.2, 4))]
    if random.random() < 0.5:
        reporters = [(second, 0.0), (first, random.uniform(0.2, 4))]
    fire_and_resolve(reporters, random.uniform(10, 50))


def flapping(scenario: Scenario) -> None:
    """It fires and resolves again and again, within minutes."""
    random, service = scenario.random, scenario.world.take(scenario.start)
    minutes, trouble, place = 0.0, random.choice(ACUTE), Place()
    for _ in range(random.randrange(4, 8)):
        alert = rule_alert(scenario, service, trouble, place, minutes)
        reporter = by_alertmanager(scenario, scenario.fault(), alert)
        reporter.fire(minutes)
        minutes += random.uniform(1.5, 6)
        reporter.resolve(minutes)
        minutes += random.uniform(1, 6)


def reopened(scenario: Scenario) -> None:
    """It resolves, and fires again some ten minutes later."""
    random, service = scenario.random, scenario.world.take(scenario.start)
    trouble, place = random.choice(ACUTE), Place(random.choice(("production", "staging")))
    first = some_reporter(scenario, scenario.fault(), service, trouble, place, 0)
    first.fire(0)
    minutes = random.uniform(6, 30)
    first.resolve(minutes)
    minutes += random.uniform(7, 13)
    if random.random() < 0.5:
        first.fire(minutes)
        first.resolve(minutes + random.uniform(6, 30))
        return
    second = rule_alert(scenario, service, trouble, place, minutes, env_label="env")
    reporter = by_alertmanager(scenario, scenario.fault(), second)
    reporter.fire(minutes)
    reporter.resolve(minutes + random.uniform(6, 30))


def late_resolve(scenario: Scenario) -> None:
    """The resolve of an earlier firing arrives after the alert fires again."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    trouble = random.choice(ACUTE)
    old = rule_alert(scenario, service, trouble, place, 0)
    scenario.http(0, "alertmanager", senders.alertmanager(old))
    begins = random.uniform(10, 20)
    new = rule_alert(scenario, service, trouble, place, begins)
    scenario.http(begins, "alertmanager", senders.alertmanager(new))
    ended = resolved(old, scenario.at(begins - 2))
    scenario.http(begins + random.uniform(0.2, 2), "alertmanager", senders.alertmanager(ended))
    scenario.http(begins + 5, "alertmanager", senders.alertmanager(new))
    scenario.http(begins + 10, "alertmanager", senders.alertmanager(new))
    end = begins + random.uniform(15, 40)
    body = senders.alertmanager(resolved(new, scenario.at(end)))
    scenario.http(end, "alertmanager", body)


def a_b_a(scenario: Scenario) -> None:
    """Two symptoms of one service take turns."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    first, second = random.sample(ACUTE, 2)
    a = some_reporter(scenario, scenario.fault(), service, first, place, 0)
    b = some_reporter(scenario, scenario.fault(), service, second, place, 2)
    a.fire(0)
    if scenario.number % 2:  # A ends while B fires
        b.fire(2)
        a.resolve(5)
        a.fire(8)
        b.resolve(10)
        b.fire(12)
        b.resolve(16)
    else:  # B begins after A has ended
        a.resolve(5)
        b.fire(6)
        b.resolve(9)
        a.fire(11)
    a.resolve(18)


def pod_churn(scenario: Scenario) -> None:
    """The pods of one workload are replaced, and each new one fails too."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    name, category = random.choice((("KubePodCrashLooping", ""), ("KubePodNotReady", "")))
    trouble = Trouble(name, category, "a pod of {service} restarted {value} times", "warning")
    minutes = 0.0
    for _ in range(random.randrange(3, 6)):
        alert = rule_alert(
            scenario,
            service,
            trouble,
            place,
            minutes,
            service_label="",
            pod=service.pod(random),
            container="app",
            job="kube-state-metrics",
        )
        reporter = by_alertmanager(scenario, scenario.fault(), alert)
        reporter.fire(minutes)
        reporter.resolve(minutes + random.uniform(3, 9))
        minutes += random.uniform(4, 9)


def severity_raised(scenario: Scenario) -> None:
    """A warning becomes critical: another rule of the same name, with another fingerprint."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    trouble = random.choice(ACUTE)
    label = random.choice(SERVICE_LABELS)
    warning = rule_alert(
        scenario, service, trouble, place, 0, service_label=label, severity="warning"
    )
    critical = rule_alert(
        scenario, service, trouble, place, 9, service_label=label, severity="critical"
    )
    reports = [by_alertmanager(scenario, scenario.fault(), alert) for alert in (warning, critical)]
    fire_and_resolve(list(zip(reports, (0.0, random.uniform(3, 15)), strict=True)), 30)


def changed_numbers(scenario: Scenario) -> None:
    """A script posts the same trouble every few minutes, each time with other numbers."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    reporter = by_script(scenario, scenario.fault(), service, random.choice(ACUTE), place)
    minutes = 0.0
    for _ in range(random.randrange(3, 7)):
        reporter.fire(minutes)
        minutes += random.uniform(4, 12)
    reporter.resolve(minutes)


def redelivered(scenario: Scenario) -> None:
    """Slack and Alertmanager deliver the same message twice."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    reporter = some_reporter(scenario, scenario.fault(), service, random.choice(ACUTE), place, 0)
    reporter.fire(0)
    scenario.repeat(random.uniform(0.05, 3), scenario.messages[0])
    reporter.resolve(12)
    scenario.repeat(random.uniform(12.1, 14), scenario.messages[2])


def mixed_group(scenario: Scenario) -> None:
    """Alertmanager's group has alerts of several pods, some of which resolve before others."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    trouble = random.choice(ACUTE)
    alerts = [
        rule_alert(scenario, service, trouble, place, 0, pod=service.pod(random)) for _ in range(3)
    ]
    fault = scenario.fault()
    scenario.http(0, "alertmanager", senders.alertmanager(*alerts[:2]), fault, fault)
    scenario.http(5, "alertmanager", senders.alertmanager(*alerts), fault, fault, fault)
    part = [resolved(alerts[0], scenario.at(9)), *alerts[1:]]
    scenario.http(10, "alertmanager", senders.alertmanager(*part), fault, fault, fault)
    ends = [resolved(alert, scenario.at(24)) for alert in alerts[1:]]
    scenario.http(25, "alertmanager", senders.alertmanager(*ends), fault, fault)


def words_of_the_environment(scenario: Scenario) -> None:
    """The name of the service holds the word of the environment at one end, or its cluster's."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    trouble = random.choice(ACUTE)
    spelled = random.choice((f"{place.short_env}-{service.name}", f"{service.name}-{place.env}"))
    decorated = rule_alert(
        scenario, service, trouble, place, 0, env_label="env", service_label="app", app=spelled
    )
    plain = rule_alert(scenario, service, trouble, place, 1)
    reporters = [
        by_post(scenario, scenario.fault(), decorated, custom=True),
        by_alertmanager(scenario, scenario.fault(), plain),
        by_script(scenario, scenario.fault(), service, trouble, place),
    ]
    random.shuffle(reporters)
    fire_and_resolve([(r, n * random.uniform(0.5, 2)) for n, r in enumerate(reporters)], 22)


def never_resolved(scenario: Scenario) -> None:
    """Its sender never says that it ended; some remind for an hour before they fall silent."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    trouble = random.choice(ACUTE)
    alert = rule_alert(scenario, service, trouble, place, 0)
    scenario.http(0, "alertmanager", senders.alertmanager(alert))
    for number in range(scenario.number % 3 * 4):
        scenario.http(15 * (number + 1), "alertmanager", senders.alertmanager(alert))


def reminded_for_hours(scenario: Scenario) -> None:
    """It fires on for hours, and its sender reminds of it more seldom than an incident is stale."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    alert = rule_alert(scenario, service, random.choice(ACUTE), place, 0)
    for minutes in (0, 75, 150):
        scenario.http(minutes, "alertmanager", senders.alertmanager(alert))
    scenario.http(170, "alertmanager", senders.alertmanager(resolved(alert, scenario.at(170))))


def two_symptoms(scenario: Scenario) -> None:
    """Some symptoms of one service begin within minutes; one names the category as a label."""
    random, service, place = scenario.random, scenario.world.take(scenario.start), Place()
    troubles = random.sample(ACUTE, 3)
    minutes, reporters = 0.0, []
    for trouble in troubles:
        reporter = some_reporter(scenario, scenario.fault(), service, trouble, place, minutes)
        reporters.append((reporter, minutes))
        minutes += random.uniform(0.5, 4)
    fire_and_resolve(reporters, random.uniform(15, 40))


KINDS = {
    two_senders: 15,
    flapping: 8,
    reopened: 7,
    late_resolve: 5,
    a_b_a: 6,
    pod_churn: 7,
    severity_raised: 5,
    changed_numbers: 5,
    redelivered: 4,
    mixed_group: 5,
    words_of_the_environment: 6,
    never_resolved: 6,
    reminded_for_hours: 3,
    two_symptoms: 6,
}
"""The number of scenarios of each kind in a seed."""
