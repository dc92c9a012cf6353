"""The life of an alert of each sender: trouble, reminder, higher severity, end, and again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.sources_command.commands import Outcome, Payloads, outcome_of, read
from tests.intake import (
    aws_payloads,
    cloud_payloads,
    infra_payloads,
    paging_payloads,
    runner_payloads,
)

FORMS = {
    **aws_payloads.FORMS,
    **cloud_payloads.FORMS,
    **infra_payloads.FORMS,
    **paging_payloads.FORMS,
    **runner_payloads.FORMS,
}
ENDLESS = {**aws_payloads.ENDLESS, **cloud_payloads.ENDLESS, **runner_payloads.ENDLESS}
# The severity of trouble, and of more severe trouble. Equal ones: the sender's form states none.
SEVERITIES = {
    "cloudwatch alarm": ("medium", "medium"),
    "cloudwatch composite alarm": ("medium", "medium"),
    "cloudwatch event": ("medium", "medium"),
    "chatbot slack": ("medium", "medium"),
    "azure": ("low", "high"),
    "azure older": ("low", "high"),
    "gcp": ("medium", "critical"),
    "pagerduty": ("high", "critical"),
    "opsgenie": ("medium", "critical"),
    "datadog http": ("medium", "medium"),
    "datadog slack": ("medium", "critical"),
    "newrelic": ("high", "critical"),
    "newrelic older": ("medium", "critical"),
    "dynatrace": ("medium", "critical"),
    "kibana": ("medium", "critical"),
    "kibana document": ("medium", "critical"),
    "pingdom": ("high", "high"),
    "alerta": ("low", "critical"),
    "betterstack": ("medium", "medium"),
    "statuspage": ("high", "critical"),
    "statuspage component": ("high", "critical"),
    "healthchecks": ("medium", "medium"),
    "healthchecks slack": ("medium", "medium"),
    "zabbix_slack": ("medium", "critical"),
    "zabbix_http": ("medium", "critical"),
    "nagios_text": ("medium", "critical"),
    "nagios_fields": ("medium", "critical"),
    "nagios_http": ("medium", "critical"),
    "nagios_host": ("critical", "critical"),
    "icinga_text": ("medium", "critical"),
    "icinga_fields": ("medium", "critical"),
    "icinga_http": ("medium", "critical"),
    "checkmk_slack": ("medium", "critical"),
    "checkmk_text": ("medium", "critical"),
    "checkmk_http": ("medium", "critical"),
    "netdata_slack": ("medium", "critical"),
    "netdata_http": ("medium", "critical"),
    "prtg_slack": ("medium", "medium"),
    "prtg_http": ("medium", "medium"),
    "kuma_slack": ("high", "high"),
    "kuma_http": ("high", "high"),
    "gatus_slack": ("medium", "medium"),
    "gatus_http": ("medium", "medium"),
    "pagerduty slack": ("low", "high"),
    "pagerduty slack classic": ("low", "high"),
    "opsgenie slack": ("medium", "critical"),
    "opsgenie slack text": ("medium", "medium"),
    "newrelic slack": ("medium", "critical"),
    "pingdom slack": ("medium", "medium"),
    "pingdom slack text": ("medium", "medium"),
    "statuspage slack": ("low", "critical"),
    "betterstack slack": ("medium", "medium"),
    "grafana oncall slack": ("medium", "critical"),
    "flux_http": ("high", "high"),
    "flux_slack": ("high", "high"),
    "argo_slack": ("medium", "medium"),
    "argo_health_slack": ("medium", "medium"),
    "argo_http": ("medium", "medium"),
    "robusta_slack": ("medium", "high"),
    "robusta_http": ("low", "high"),
    "jenkins_slack": ("medium", "medium"),
    "jenkins_http": ("medium", "medium"),
    "github_http": ("medium", "medium"),
    "github_check_http": ("medium", "medium"),
    "github_slack": ("medium", "medium"),
    "gitlab_http": ("medium", "medium"),
    "gitlab_job_http": ("medium", "medium"),
    "gitlab_slack": ("medium", "medium"),
    "airflow_http": ("critical", "critical"),
    "airflow_slack": ("high", "high"),
    "dbt_http": ("medium", "medium"),
    "spark_http": ("medium", "medium"),
    "qproxy_http": ("medium", "critical"),
    "rds": ("medium", "medium"),
    "sns text": ("medium", "medium"),
    "splunk": ("high", "critical"),
    "elastalert": ("medium", "medium"),
    "graylog": ("medium", "high"),
    "kubewatch_http": ("medium", "medium"),
    "event_http": ("medium", "medium"),
    "botkube_slack": ("high", "high"),
    "anomaly_http": ("high", "critical"),
}
CASES = [pytest.param(*form, id=name) for name, form in FORMS.items()]
ENDLESS_CASES = [pytest.param(*form, id=name) for name, form in ENDLESS.items()]


def fold(intake: str, source: str, inputs: list[Any]) -> Outcome:
    payloads = Payloads(intake, source, inputs)
    return asyncio.run(outcome_of(payloads, [read(payloads, item) for item in inputs]))


@pytest.mark.parametrize(("intake", "source", "build"), CASES)
def test_a_trouble_with_its_reminders_and_its_end_is_one_closed_incident(
    intake: str, source: str, build: Any
) -> None:
    inputs = [
        build("cart-api", 1, False, False),
        build("cart-api", 2, False, False),
        build("cart-api", 3, True, False),
        build("cart-api", 4, True, True),
    ]
    outcome = fold(intake, source, inputs)
    assert (outcome.incidents, outcome.open_at_end) == (1, 0)
    reopened = fold(intake, source, [*inputs, build("cart-api", 5, False, False)])
    assert reopened.open_at_end == 1


@pytest.mark.parametrize(("intake", "source", "build"), [*CASES, *ENDLESS_CASES])
def test_two_services_in_trouble_at_once_are_two_incidents(
    intake: str, source: str, build: Any
) -> None:
    outcome = fold(
        intake, source, [build("cart-api", 1, False, False), build("billing", 2, False, False)]
    )
    assert (outcome.incidents, outcome.open_at_end) == (2, 2)


@pytest.mark.parametrize(("intake", "source", "build"), CASES)
def test_an_end_without_a_trouble_opens_nothing(intake: str, source: str, build: Any) -> None:
    assert fold(intake, source, [build("cart-api", 1, True, True)]).incidents == 0


@pytest.mark.parametrize(("intake", "source", "build"), ENDLESS_CASES)
def test_what_has_no_end_is_one_open_incident_however_often_it_happens(
    intake: str, source: str, build: Any
) -> None:
    inputs = [build("cart-api", number, number > 2, False) for number in (1, 2, 3)]
    outcome = fold(intake, source, inputs)
    assert (outcome.incidents, outcome.open_at_end) == (1, 1)


@pytest.mark.parametrize("name", [*FORMS, *ENDLESS])
def test_the_incident_has_the_severity_that_the_sender_stated_last(name: str) -> None:
    intake, source, build = {**FORMS, **ENDLESS}[name]
    inputs = [build("cart-api", number, number > 2, False) for number in (1, 2, 3)]
    assert name in SEVERITIES, f"add two severity words of {name} to SEVERITIES in this file"
    before, after = SEVERITIES[name]
    assert fold(intake, source, inputs[:2]).severities == (before,)
    assert fold(intake, source, inputs).severities == (after,)
