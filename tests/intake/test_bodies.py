"""HTTP bodies: what is wrong is named, what is kept is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.errors import InputError
from bot.incidents import keys
from bot.incidents.model import Severity
from bot.intake import parse_body
from bot.intake.incident_request import parse_incident_request
from bot.intake.senders.sns import Signature, SignatureCheck, with_signature

GOOD: dict[str, Any] = {"labels": {"alertname": "A"}}


@pytest.mark.parametrize(
    ("source", "body", "message"),
    [
        ("alertmanager", [], "body: must be an object"),
        ("alertmanager", {}, "alerts: must be a list of alerts"),
        ("alertmanager", {"alerts": {}}, "alerts: must be a list"),
        ("alertmanager", {"alerts": []}, "alerts: must be a list with at least one alert"),
        ("alertmanager", {"alerts": [GOOD, GOOD, {"labels": []}]}, "alerts[2].labels: must be an"),
        ("alertmanager", {"alerts": [{}]}, "alerts[0].labels: must be an object"),
        ("alertmanager", {"alerts": [GOOD, "x"]}, "alerts[1]: must be an object"),
        ("alertmanager", {"alerts": [{**GOOD, "startsAt": "soon"}]}, "alerts[0].startsAt: must be"),
        ("alertmanager", {"alerts": [{**GOOD, "status": []}]}, "alerts[0].status: must be text"),
        ("generic", 7, "body: must be an object"),
        ("generic", {}, "name: must be given"),
        ("generic", [{"name": "a"}, {}], "[1].name: must be given"),
        ("generic", {"name": "a", "sop_id": []}, "sop_id: must be text"),
        ("generic", {"name": "a", "labels": "x"}, "labels: must be an object"),
        ("generic", {"name": "a", "sop_id": "No Way"}, "sop_id: must be 1 to 64"),
        ("generic", {"name": "a", "incident_key": "a\nb"}, "incident_key: must be one line"),
        ("generic", {"name": "a", "links": [3]}, "links[0]: must be an object"),
        ("generic", {"name": "a", "ends_at": "later"}, "ends_at: must be an RFC 3339 time"),
        ("cloudwatch", {"Message": "hello"}, "Message: must be the JSON"),
        ("cloudwatch", {"Message": "{}"}, "Message.AlarmName: must be"),
        ("sentry", {}, "data: must be"),
        ("uptime-kuma", {}, "msg: must be"),
        ("airflow", [{"task_id": "t"}], "[0].dag_id: must be"),
    ],
)
def test_a_wrong_body_is_still_an_alert_that_names_the_wrong_field(
    source: str, body: object, message: str
) -> None:
    reading = parse_body(source, body)
    assert reading.alerts
    assert all(alert.text or alert.title for alert in reading.alerts)
    assert any(reason.startswith(message) for reason in reading.reasons)


def test_a_malformed_entry_takes_no_other_alert_with_it() -> None:
    body = {"alerts": [GOOD, {"labels": {"alertname": "B", "pod": "p"}, "startsAt": "soon"}]}
    good, malformed = parse_body("alertmanager", body).alerts
    assert (good.name, good.not_understood) == ("A", "")
    assert malformed.name == "B"
    assert malformed.not_understood.startswith("alerts[1].startsAt: must be")


@pytest.mark.parametrize("source", ["nagios-of-quay", "", "Zabbix 7"])
def test_a_source_that_nobody_knows_is_read_as_generic(source: str) -> None:
    [alert] = parse_body(source, {"title": "Pump 3 leaks"}).alerts
    assert (alert.source, alert.title) == ("generic", "Pump 3 leaks")


def test_a_body_of_another_known_sender_is_read_as_that_senders() -> None:
    body = {"alerts": [GOOD], "groupLabels": {}, "receiver": "sopbot"}
    [alert] = parse_body("generic", body).alerts
    assert (alert.source, alert.name) == ("alertmanager", "A")


def test_a_source_is_found_by_its_name_with_an_underscore() -> None:
    assert parse_body("Uptime_Kuma", {"msg": "x"}).alerts[0].source == "uptime-kuma"


def test_a_webhook_alert_without_a_fingerprint_is_named_by_its_labels_but_its_severity() -> None:
    def fingerprint(**labels: str) -> str:
        [alert] = parse_body("alertmanager", {"alerts": [{"labels": labels}]}).alerts
        return alert.fingerprint

    first = fingerprint(alertname="A", pod="p-1", severity="warning")
    assert first == fingerprint(alertname="A", pod="p-1", severity="critical")
    assert first != fingerprint(alertname="A", pod="p-2", severity="warning")


def test_naive_times_are_utc_and_the_zero_time_is_absent() -> None:
    entry = {**GOOD, "startsAt": "2026-11-21T03:04:05", "endsAt": "0001-01-01T00:00:00Z"}
    [alert] = parse_body("alertmanager", {"alerts": [entry]}).alerts
    assert alert.starts_at is not None
    assert alert.starts_at.isoformat() == "2026-11-21T03:04:05+00:00"
    assert alert.ends_at is None


def test_what_alertmanager_left_out_is_told() -> None:
    [alert] = parse_body("alertmanager", {"alerts": [GOOD], "truncatedAlerts": 4}).alerts
    assert alert.annotations["truncated_alerts"] == "4"


@pytest.mark.parametrize(("label", "kept"), [("sop_disk-1", "sop_disk-1"), ("../etc", "")])
def test_a_sop_id_label_is_kept_only_when_well_formed(label: str, kept: str) -> None:
    [alert] = parse_body(
        "alertmanager", {"alerts": [{"labels": {"alertname": "A", "sop_id": label}}]}
    ).alerts
    assert alert.sop_id == kept


@pytest.mark.parametrize(
    ("tracking_id", "kept"), [("req-20261121-030412-9f2c1ab0", True), ("no spaces please", False)]
)
def test_a_tracking_id_of_the_sender_is_kept_when_well_formed(tracking_id: str, kept: bool) -> None:
    [alert] = parse_body("generic", {"name": "a", "tracking_id": tracking_id}).alerts
    assert alert.tracking_id == (tracking_id if kept else "")
    [alert] = parse_body("grafana", {"alerts": [{"labels": {"request_id": tracking_id}}]}).alerts
    assert alert.tracking_id == (tracking_id if kept else "")


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"service": "a", "app": "b"}, "a"),
        ({"service": "kube-state-metrics", "container": "cart"}, "cart"),
        ({"job": "node-exporter", "instance": "10.0.0.1:9100"}, "node-exporter"),
        ({"job": "billing", "instance": "db1:9100"}, "billing"),
        ({"dag_id": "nightly"}, "nightly"),
        ({"instance": "10.0.0.1:9100"}, ""),
    ],
)
def test_the_service_is_who_is_ill_not_who_measures(labels: dict[str, str], service: str) -> None:
    [alert] = parse_body("alertmanager", {"alerts": [{"labels": labels}]}).alerts
    assert alert.service == service


@pytest.mark.parametrize(
    ("labels", "env"),
    [
        ({"env": "production"}, "prod"),
        ({"environment": "blue"}, "blue"),
        ({"namespace": "staging-2"}, "staging-2"),
        ({"namespace": "shop-prod"}, "prod"),
        ({"namespace": "shop"}, ""),
        ({"cluster": "prod-eu1", "namespace": "dev"}, "prod-eu1"),
    ],
)
def test_the_environment_comes_from_labels_that_name_one(labels: dict[str, str], env: str) -> None:
    [alert] = parse_body("alertmanager", {"alerts": [{"labels": labels}]}).alerts
    assert alert.env == env


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("HighCPULoad", "cpu"),
        ("KubePodOOMKilled", "memory"),
        ("HostOutOfDiskSpace", "disk"),
        ("PostgresDown", "database"),
        ("ServiceDown", "availability"),
        ("checkout 5xx", "errors"),
        ("ApiP99Slow", "latency"),
        ("TlsCertExpiry", "certificate"),
        ("kafka_consumer_lag", "queue"),
        ("Watchdog", ""),
    ],
)
def test_the_category_comes_from_a_word_of_the_name(name: str, category: str) -> None:
    [alert] = parse_body("alertmanager", {"alerts": [{"labels": {"alertname": name}}]}).alerts
    assert alert.category == category


def test_a_prompt_request_is_read_from_each_accepted_place() -> None:
    bodies: list[dict[str, Any]] = [
        {"incident_key": "sdn5_cpu_high", "prompt": "why?"},
        {"incidentKey": "sdn5_cpu_high", "inputs": {"prompt": "why?"}},
        {"data": {"incident_key": "sdn5_cpu_high", "prompt": "why?"}},
        {"params": {"incidentKey": "sdn5_cpu_high", "prompt": "why?"}},
        {"metadata": {"group_id": "sdn5_cpu_high"}, "params": {"prompt": " why? "}},
        {"incident_key": " ", "group_id": "sdn5_cpu_high", "prompt": "why?"},
    ]
    for body in bodies:
        request = parse_incident_request(body)
        assert (request.incident_key, request.prompt) == ("sdn5_cpu_high", "why?")
        assert (request.sop_id, request.alert) == ("", None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"prompt": "x"}, "incident_key: required"),
        ({"incident_key": "k", "prompt": "  "}, "prompt: required"),
        ({}, "incident_key and prompt: required"),
        ([], "body: must be an object"),
        ({"incident_key": "k", "prompt": "x", "sop_id": "A B"}, "sop_id: must be"),
        ({"incident_key": "k" * 257, "prompt": "x"}, "incident_key: must be at most 256"),
        ({"incident_key": {}, "prompt": "x"}, "incident_key: must be text"),
        ({"incident_key": "k", "prompt": "x" * 100_001}, "prompt: 100,001 characters; at most"),
    ],
)
def test_an_incident_request_that_lacks_something_is_refused(body: object, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_incident_request(body)
    assert caught.value.message.startswith(message)


def test_an_alert_as_incident_request_gets_its_composed_key() -> None:
    body = {"service": "berth-api", "category": "cpu", "severity": "high", "env": "prod"}
    request = parse_incident_request(body)
    assert request.incident_key == "prod|berth_api|cpu|high"
    assert request.alert is not None
    assert request.alert.severity is Severity.HIGH
    assert request.prompt == ""


def test_a_given_incident_key_and_sop_id_win_over_the_composed_ones() -> None:
    body = {"service": "web", "incident_key": "sdn5_cpu_high", "sop_id": "sop_web", "prompt": "go"}
    request = parse_incident_request(body)
    assert (request.incident_key, request.sop_id) == ("sdn5_cpu_high", "sop_web")
    assert request.prompt == "go"
    assert keys.sop_id_of(request.incident_key) == "sop_e0397b31b8d1"


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize(
    ("url", "genuine"),
    [
        ("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=x", True),
        ("https://sns.cn-north-1.amazonaws.com.cn/?Action=ConfirmSubscription", True),
        ("http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription", False),
        ("https://evil.s3.amazonaws.com/sns", False),
        ("https://sns.evil.eu-west-1.amazonaws.com/", False),
        ("https://sns.evil.amazonaws.com/", False),
        ("https://sns.eu-west-1.amazonaws.com.evil.example/", False),
        ("https://sns.eu-west-1.amazonaws.com@evil.example/", False),
        ("https://ec2-1-2-3-4.eu-west-1.compute.amazonaws.com/", False),
        ("https://sns.eu-west-1.amazonaws.com:8443/", False),
    ],
)
def test_only_sns_itself_gets_a_button_that_confirms(url: str, genuine: bool) -> None:
    body = {"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:x", "SubscribeURL": url}
    alerts = parse_body("cloudwatch", body).alerts
    assert alerts[0].links == (), "without a check there is none"
    (alert,) = with_signature(alerts, body, SignatureCheck(Signature.VERIFIED))
    assert bool(alert.links) is genuine
    assert "Confirm only a subscription that you made" in alert.text
    (alert,) = with_signature(alerts, body, SignatureCheck(Signature.UNCHECKED, "it has none"))
    assert alert.links == ()
    assert alert.text.startswith("SNS signature not verified: it has none.")


@pytest.mark.attack("ASI07")
def test_what_stands_beside_a_signed_message_is_not_the_alarm() -> None:
    signed = {"AlarmName": "cart-cpu", "NewStateValue": "ALARM"}
    beside = {"AlarmName": "other", "NewStateValue": "OK"}
    (alert,) = parse_body(
        "cloudwatch", {"Type": "Notification", "Message": json.dumps(signed), **beside}
    ).alerts
    assert (alert.name, alert.status) == ("cart-cpu", "firing")


@pytest.mark.attack("ASI07")
def test_a_label_of_the_message_cannot_call_its_signature_verified() -> None:
    dimension = {"name": "sns_signature", "value": "verified"}
    body = {"AlarmName": "cart-cpu", "Trigger": {"Dimensions": [dimension]}}
    (alert,) = with_signature(
        parse_body("cloudwatch", body).alerts,
        body,
        SignatureCheck(Signature.UNCHECKED, "it has none"),
    )
    assert alert.labels["sns_signature"] == "unchecked"
