"""Bodies of senders without a parser: what names an alert, and what is the same at its end."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents.model import Alert
from bot.intake import parse_body

Body = dict[str, Any]


def alert_of(body: Body) -> Alert:
    (alert,) = parse_body("quay-watch", body).alerts
    return alert


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (
            {"rule": {"level": 12, "description": "Logins fail"}, "agent": {"name": "q1"}},
            "Logins fail",
        ),
        ({"message": "load of q1", "data": {"series": [{"name": "cpu"}]}}, "load of q1"),
        ({"alert": {"name": "Quay is down"}, "check": {"name": "front"}}, "Quay is down"),
        ({"alert": "HighErrorRate", "app": "cart"}, "HighErrorRate"),
        ({"check": "http", "service": "cart", "message": "no answer"}, "no answer"),
        ({"name": "${rule.name}", "summary": "Heap of cart"}, "Heap of cart"),
        ({"text": "Pool %(pool)s is ill", "formatted": "Pool tank is ill"}, "Pool tank is ill"),
        ({"alert_creator_name": "Ana", "data": {"question_name": "Unpaid"}}, "Unpaid"),
        (
            {"webhook": {"name": "hook"}, "workflow": {"name": "deploy", "status": "failed"}},
            "deploy",
        ),
        ({"event_type": "berth.made", "berth.made": {"name": "Berth 3 is ill"}}, "Berth 3 is ill"),
    ],
)
def test_an_alert_is_named_by_what_it_is_about(body: Body, title: str) -> None:
    assert alert_of(body).title == title


@pytest.mark.parametrize(
    ("body", "env"),
    [
        ({"title": "Heap", "service": "cart-staging"}, "staging"),
        ({"title": "Heap", "service": "prod-cart"}, "prod"),
        ({"title": "Heap", "service": "production-planner-prod"}, "prod"),
        ({"title": "Heap", "service": "dev-portal"}, ""),
        ({"title": "Heap", "service": "cart-staging", "env": "prod"}, "prod"),
        ({"title": "Heap", "tags": "cart, staging"}, "staging"),
        ({"title": "Heap", "clusterName": "orders-prod"}, "prod"),
        ({"data": {"title": "Heap", "environments": [{"name": "Production"}]}}, "prod"),
        ({"title": "Heap", "payload": {"target": "production"}}, "prod"),
        ({"title": "Heap", "target": "https://quay.example"}, ""),
    ],
)
def test_an_environment_is_found_where_a_value_has_its_form(body: Body, env: str) -> None:
    assert alert_of(body).env == env


def test_the_only_service_of_a_list_is_the_service() -> None:
    assert alert_of({"title": "Slow", "services": [{"name": "cart"}]}).service == "cart"
    assert alert_of({"title": "Slow", "services": ["cart", "mail"]}).service == ""


SAME = [
    (
        {"module": "payments", "status": "ALERT", "message": "no answer in 3 s"},
        {"module": "payments", "status": "RESOLVED", "message": "answers"},
    ),
    (
        {"event_name": "Violation begins", "health_rule_name": "Pay", "state": "open"},
        {"event_name": "Violation ended", "health_rule_name": "Pay", "state": "closed"},
    ),
    (
        {"issue": {"id": "5", "state": "OPEN", "text": "GC is busy", "service": "cart"}},
        {"issue": {"id": "5", "state": "CLOSED"}},
    ),
    (
        {"incident_id": 7, "title": "Berth 3 waits", "state": "open"},
        {"incident_id": 7, "title": "The crane works", "state": "closed"},
    ),
    (
        {"message": "cpu of q1 is CRITICAL value: 95", "level": "CRITICAL"},
        {"message": "cpu of q1 is OK value: 5", "level": "OK"},
    ),
]


@pytest.mark.parametrize(("trouble", "end"), SAME)
def test_an_end_has_the_identity_of_its_trouble(trouble: Body, end: Body) -> None:
    begun, ended = alert_of(trouble), alert_of(end)
    assert (str(begun.status), str(ended.status)) == ("firing", "resolved")
    assert begun.fingerprint == ended.fingerprint


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"name": "CPU", "nodeName": "q1"}, {"name": "CPU", "nodeName": "q2"}),
        ({"name": "Lag", "topic": "orders"}, {"name": "Lag", "topic": "mails"}),
        ({"incident_id": 7, "title": "Slow"}, {"incident_id": 8, "title": "Slow"}),
        ({"name": "CPU", "dimensions": {"id": "a"}}, {"name": "CPU", "dimensions": {"id": "b"}}),
        ({"service": "cart", "message": "disk full"}, {"service": "cart", "message": "slow"}),
        ({"alert": {"id": 1, "name": "Disk"}}, {"alert": {"id": 1, "name": "Heap"}}),
    ],
)
def test_two_things_in_trouble_have_two_identities(first: Body, second: Body) -> None:
    assert alert_of(first).fingerprint != alert_of(second).fingerprint


def test_lists_named_after_a_state_give_it_to_their_alerts() -> None:
    cart, mailer = (
        {"summary": "Cart is slow", "severity": "high"},
        {"summary": "Mail waits", "severity": "low"},
    )
    body = {"status": "firing", "firing": [cart], "resolved": [mailer]}
    alerts = parse_body("quay-watch", body).alerts
    assert [str(alert.status) for alert in alerts] == ["firing", "resolved"]
