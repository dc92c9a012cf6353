"""Every payload under tests/payloads, in the shape it arrives in, becomes what lies beside it."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot.incidents.model import Alert
from bot.intake import PARSERS, parse_body, parse_message
from tests.helpers.payloads import CASES, PAYLOADS, load


def alerts_of(path: Path) -> list[Alert]:
    if path.name.startswith("slack_"):
        return parse_message(load(path)).alerts
    return parse_body(path.parent.name, load(path)).alerts


def payload(name: str) -> Alert:
    [alert] = alerts_of(PAYLOADS / f"{name}.json")
    return alert


def shown(alert: Alert) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in dataclasses.fields(alert):
        value = getattr(alert, field.name)
        if isinstance(value, datetime):
            value = value.isoformat()
        if field.name == "links":
            value = [[link.label, link.url] for link in value]
        values[field.name] = value
    return values


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_payload_becomes_the_alerts_written_beside_it(path: Path) -> None:
    alerts = alerts_of(path)
    expected = load(path.with_suffix(".expected.json"))
    assert len(alerts) == len(expected)
    for alert, expected_values in zip(alerts, expected, strict=True):
        actual = shown(alert)
        assert {name: actual[name] for name in expected_values} == expected_values


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_every_parser_has_payloads_for_each_of_its_forms(parser: Any) -> None:
    names = [path.name for path in CASES if path.parent.name == parser.name]
    if parser.message is not None:
        assert any(name.startswith("slack_") for name in names)
    if parser.body is not None:
        assert any(name.startswith("http_") for name in names)


@pytest.mark.parametrize(
    ("firing", "resolved"),
    [
        ("alertmanager/slack_default_firing", "alertmanager/slack_default_resolved"),
        ("alertmanager/slack_default_firing", "alertmanager/slack_update_message"),
        ("grafana/slack_firing", "grafana/slack_resolved"),
        ("cloudwatch/slack_alarm", "cloudwatch/slack_ok"),
        ("cloudwatch/slack_alarm", "cloudwatch/http_sns"),
        ("sentry/slack_issue", "sentry/slack_issue_resolved"),
        ("sentry/slack_issue", "sentry/http_event_alert"),
        ("sentry/slack_issue", "sentry/http_issue_resolved"),
        ("uptime-kuma/slack_down", "uptime-kuma/slack_up"),
        ("uptime-kuma/slack_down", "uptime-kuma/http_down"),
        ("zabbix/slack_problem", "zabbix/slack_resolved_by_edit"),
        ("zabbix/slack_problem", "zabbix/slack_update_reply"),
    ],
)
def test_both_messages_of_one_alert_have_the_same_fingerprint(firing: str, resolved: str) -> None:
    assert payload(firing).fingerprint == payload(resolved).fingerprint


@pytest.mark.parametrize(
    ("message_file", "webhook_file"),
    [
        ("grafana/slack_firing", "grafana/http_webhook"),
        ("cloudwatch/slack_alarm", "cloudwatch/http_sns"),
        ("sentry/slack_issue", "sentry/http_event_alert"),
    ],
)
def test_an_alert_gets_the_same_place_by_message_and_by_webhook(
    message_file: str, webhook_file: str
) -> None:
    first, second = payload(message_file), payload(webhook_file)
    place = (first.env, first.service, first.category)
    assert place == (second.env, second.service, second.category)
    assert all(place)


def test_the_text_of_foreign_controls_is_not_shown() -> None:
    alert = payload("sentry/slack_issue")
    assert "Assignee" not in alert.text
    assert all("dialog" not in link.url for link in alert.links)


def test_the_raw_alert_is_the_whole_message() -> None:
    path = PAYLOADS / "alertmanager/slack_default_firing.json"
    assert payload("alertmanager/slack_default_firing").raw == load(path)
