"""Reports of one trouble: the sender, its spelling of the place, firing and resolve."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from tests.corpus import senders
from tests.corpus.model import Scenario
from tests.corpus.senders import RuleAlert
from tests.corpus.troubles import Trouble
from tests.corpus.world import Place, Service

SERVICE_LABELS = ("service", "app", "app_kubernetes_io_name", "deployment")


def rule_alert(
    scenario: Scenario,
    service: Service,
    trouble: Trouble,
    place: Place,
    minutes: float,
    *,
    env_label: str = "cluster",
    service_label: str = "service",
    with_region: bool = False,
    with_category: bool = False,
    **more: str,
) -> RuleAlert:
    """Return an alert of Prometheus that begins a little before it is sent."""
    labels = {
        "alertname": trouble.name,
        "severity": trouble.severity,
        "namespace": service.namespace,
        env_label: {"cluster": place.cluster, "env": place.short_env}.get(env_label, place.env),
        "prometheus": "monitoring/k8s",
        **({service_label: service.name} if service_label else {}),
        **({"region": place.region} if with_region else {}),
        **({"category": trouble.category} if with_category and trouble.category else {}),
        **more,
    }
    return RuleAlert(
        labels, scenario.at(minutes - 0.5), summary(trouble, service.name, scenario.random)
    )


def summary(trouble: Trouble, service: str, random: Random) -> str:
    """Return the sentence of an alert, with a value of now."""
    return trouble.summary.format(service=service, value=random.randrange(3, 97))


def resolved(alert: RuleAlert, at: datetime) -> RuleAlert:
    """Return the alert with its end."""
    return replace(alert, ends_at=at)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Reports one trouble of one service by one sender."""

    fire: Callable[[float], None]
    resolve: Callable[[float], None]


def by_alertmanager(
    scenario: Scenario, fault: str, alert: RuleAlert, *, grafana: bool = False
) -> Reporter:
    """Report by the webhook of Alertmanager or Grafana."""
    source, build = (
        ("grafana", senders.grafana) if grafana else ("alertmanager", senders.alertmanager)
    )
    return Reporter(
        lambda minutes: scenario.http(minutes, source, build(alert), fault),
        lambda minutes: scenario.http(
            minutes, source, build(resolved(alert, scenario.at(minutes - 0.3))), fault
        ),
    )


def by_post(scenario: Scenario, fault: str, alert: RuleAlert, *, custom: bool = False) -> Reporter:
    """Report by Alertmanager's message in Slack."""
    build = senders.custom_post if custom else senders.alertmanager_post
    return Reporter(
        lambda minutes: scenario.slack(minutes, build(alert), fault),
        lambda minutes: scenario.slack(
            minutes, build(resolved(alert, scenario.at(minutes))), fault
        ),
    )


def by_datadog(
    scenario: Scenario,
    fault: str,
    service: Service,
    trouble: Trouble,
    place: Place,
    *,
    with_region: bool = False,
    posted: bool = False,
) -> Reporter:
    """Report by Datadog: it spells the environment in full, and has its own name of the service."""
    tags = {"env": place.env, "service": service.alias}
    if with_region:
        tags["region"] = place.region
    title = f"{_in_words(trouble.name)} on {service.alias}"
    number = scenario.random.randrange(10_000, 99_999)

    def report(minutes: float, recovered: bool) -> None:
        if posted:
            scenario.slack(minutes, senders.datadog_post(title, tags, recovered=recovered), fault)
            return
        body = senders.datadog(
            title, tags, scenario.at(minutes), number=number, recovered=recovered
        )
        scenario.http(minutes, "datadog", body, fault)

    return Reporter(lambda minutes: report(minutes, False), lambda minutes: report(minutes, True))


def by_cloudwatch(
    scenario: Scenario, fault: str, service: Service, word: str, place: Place
) -> Reporter:
    """Report by an alarm of CloudWatch, named after the environment, the service and the metric."""
    alarm = f"{place.short_env}-{service.name}-{word}"
    dimensions = {"ServiceName": service.name, "ClusterName": place.short_env}

    def report(minutes: float, ok: bool) -> None:
        at = scenario.at(minutes)
        body = senders.cloudwatch(alarm, place.region, dimensions, at, ok=ok)
        scenario.http(minutes, "cloudwatch", body, fault)

    return Reporter(lambda minutes: report(minutes, False), lambda minutes: report(minutes, True))


def by_uptime_kuma(scenario: Scenario, fault: str, service: Service, place: Place) -> Reporter:
    """Report by Uptime Kuma: the monitor's name may hold the word of the environment."""
    monitor = scenario.random.choice((service.name, f"{service.name} {place.short_env}"))
    number = scenario.random.randrange(1, 900)

    def report(minutes: float, up: bool) -> None:
        body = senders.uptime_kuma(monitor, number, place.short_env, scenario.at(minutes), up=up)
        scenario.http(minutes, "uptime-kuma", body, fault)

    return Reporter(lambda minutes: report(minutes, False), lambda minutes: report(minutes, True))


def by_script(
    scenario: Scenario, fault: str, service: Service, trouble: Trouble, place: Place
) -> Reporter:
    """Report by a line of text: `checkout-api prod: HighErrorRate, 12 % …`."""

    def report(minutes: float, is_resolved: bool) -> None:
        text = summary(trouble, service.name, scenario.random)
        text = f"{service.name} {place.short_env}: {_in_words(trouble.name)} ({text})"
        scenario.slack(minutes, senders.plain_post(text, resolved=is_resolved), fault)

    return Reporter(lambda minutes: report(minutes, False), lambda minutes: report(minutes, True))


def some_reporter(
    scenario: Scenario, fault: str, service: Service, trouble: Trouble, place: Place, minutes: float
) -> Reporter:
    """Report by one of the senders that a company has."""
    choice = scenario.random.randrange(6)
    if choice == 0:
        return by_datadog(
            scenario, fault, service, trouble, place, posted=scenario.random.random() < 0.5
        )
    alert = rule_alert(
        scenario,
        service,
        trouble,
        place,
        minutes,
        env_label=scenario.random.choice(("cluster", "env", "environment")),
        service_label=scenario.random.choice(SERVICE_LABELS),
        with_region=scenario.random.random() < 0.4,
    )
    if choice == 1:
        return by_post(scenario, fault, alert, custom=True)
    return by_alertmanager(scenario, fault, alert, grafana=choice == 2)


def _in_words(name: str) -> str:
    """`CPUThrottlingHigh` as `CPU throttling high`."""
    first, *others = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+", name)
    return " ".join([first, *(part if part.isupper() else part.lower() for part in others)])


def fire_and_resolve(reporters: Sequence[tuple[Reporter, float]], until: float) -> None:
    """Fire each at its minute, and resolve all from minute `until` on."""
    for number, (reporter, minutes) in enumerate(reporters):
        reporter.fire(minutes)
        reporter.resolve(until + 0.4 * number)
