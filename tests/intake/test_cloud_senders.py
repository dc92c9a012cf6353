"""Cloud services and hosted monitoring: who is recognised, what is activity, what identifies."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from bot.intake import parse_body, parse_message
from bot.intake.reading import ActivityKind
from tests.intake import aws_payloads as aws
from tests.intake import cloud_payloads as cloud
from tests.intake.cloud_payloads import Builder

FORMS = {**aws.FORMS, **cloud.FORMS}
ENDLESS = {**aws.ENDLESS, **cloud.ENDLESS}

BODIES = {
    name: (source, build)
    for name, (intake, source, build) in {**FORMS, **ENDLESS}.items()
    if intake == "http"
}


@pytest.mark.parametrize(("source", "build"), BODIES.values(), ids=BODIES)
def test_a_body_on_the_generic_address_is_read_as_its_senders_own(
    source: str, build: Builder
) -> None:
    body = build("cart-api", 1, False, False)
    [expected] = parse_body(source, body).alerts
    [alert] = parse_body("generic", body).alerts
    assert alert == expected
    assert alert.source != "generic"
    assert not alert.not_understood


@pytest.mark.parametrize(("source", "build"), BODIES.values(), ids=BODIES)
def test_a_number_that_changes_does_not_change_the_identity(source: str, build: Builder) -> None:
    fingerprints = {
        parse_body(source, build("cart-api", number, number > 2, False)).alerts[0].fingerprint
        for number in (1, 2, 3, 4)
    }
    assert len(fingerprints) == 1


def variants(value: Any) -> Iterator[Any]:
    """Yield copies of a JSON value in each of which one part has another form."""
    yield from (None, 7, "x", [], {}, [7], {"x": 7})
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        for other in variants(item) if isinstance(item, dict | list) else (None, 7, [7], {"x": []}):
            changed = value.copy()
            changed[key] = other
            yield changed


@pytest.mark.parametrize(("source", "build"), BODIES.values(), ids=BODIES)
def test_whatever_form_a_part_of_a_body_has_it_becomes_an_alert_or_activity(
    source: str, build: Builder
) -> None:
    body = build("cart-api", 1, True, True)
    bodies = list(variants(body))
    if isinstance(message := body.get("Message"), str) and message.startswith("{"):
        bodies += [{**body, "Message": json.dumps(item)} for item in variants(json.loads(message))]
    for changed in bodies:
        reading = parse_body(source, changed)
        assert reading.alerts or reading.activities
        assert all(alert.title and alert.fingerprint for alert in reading.alerts)


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("incident.acknowledged", ActivityKind.ACKNOWLEDGED),
        ("incident.unacknowledged", ActivityKind.UNACKNOWLEDGED),
        ("incident.reassigned", ActivityKind.ASSIGNED),
        ("incident.delegated", ActivityKind.ASSIGNED),
        ("incident.priority_updated", ActivityKind.UPDATED),
        ("incident.escalated", ActivityKind.UPDATED),
    ],
)
def test_what_people_do_at_pagerduty_is_activity_about_its_alert(
    event_type: str, kind: ActivityKind
) -> None:
    [alert] = parse_body("pagerduty", cloud.pagerduty("cart-api", 1, False, False)).alerts
    reading = parse_body("pagerduty", cloud.with_event(event_type))
    assert reading.alerts == ()
    [activity] = reading.activities
    assert activity.kind is kind
    assert activity.fingerprint == alert.fingerprint
    assert activity.actor == "Ana Lima"


def test_a_note_at_pagerduty_is_activity_about_the_incident_that_it_names() -> None:
    [alert] = parse_body("pagerduty", cloud.pagerduty("cart-api", 1, False, False)).alerts
    note = {"id": "N1", "incident": {"id": "PINC-cart-api"}, "content": "The disk is new"}
    body = {"event": {"id": "E", "event_type": "incident.annotated", "data": note}}
    [activity] = parse_body("pagerduty", body).activities
    assert activity.fingerprint == alert.fingerprint
    assert "The disk is new" in activity.text


def test_an_incident_reopened_at_pagerduty_fires() -> None:
    [alert] = parse_body("pagerduty", cloud.with_event("incident.reopened")).alerts
    assert str(alert.status) == "firing"


def test_an_unknown_event_about_no_incident_is_an_alert_that_fires() -> None:
    body = cloud.with_event("pagey.ping", title="A ping")
    [alert] = parse_body("pagerduty", body).alerts
    assert (str(alert.status), alert.read_from["status"]) == ("firing", "guess")


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("Acknowledge", ActivityKind.ACKNOWLEDGED),
        ("AddNote", ActivityKind.COMMENTED),
        ("AssignOwnership", ActivityKind.ASSIGNED),
        ("Snooze", ActivityKind.SILENCED),
        ("UpdatePriority", ActivityKind.UPDATED),
        ("Something new", ActivityKind.UPDATED),
    ],
)
def test_what_people_do_at_opsgenie_is_activity_about_its_alert(
    action: str, kind: ActivityKind
) -> None:
    body = cloud.opsgenie("cart-api", 1, False, False)
    [alert] = parse_body("opsgenie", body).alerts
    [activity] = parse_body("opsgenie", {**body, "action": action}).activities
    assert (activity.kind, activity.fingerprint) == (kind, alert.fingerprint)


def test_an_acknowledgement_elsewhere_is_activity_too() -> None:
    better = cloud.betterstack("cart-api", 2, False, False)
    better["data"]["attributes"] |= {"status": "Acknowledged", "acknowledged_by": "Ana"}
    workflow = cloud.newrelic("cart-api", 2, False, False) | {"trigger": "ISSUE_ACKNOWLEDGED"}
    older = cloud.newrelic_older("cart-api", 2, False, False) | {"current_state": "acknowledged"}
    for source, body, build in (
        ("betterstack", better, cloud.betterstack),
        ("newrelic", workflow, cloud.newrelic),
        ("newrelic", older, cloud.newrelic_older),
    ):
        [alert] = parse_body(source, build("cart-api", 1, False, False)).alerts
        [activity] = parse_body(source, body).activities
        assert activity.kind is ActivityKind.ACKNOWLEDGED
        assert activity.fingerprint == alert.fingerprint


def test_a_planned_maintenance_of_a_status_page_opens_nothing() -> None:
    body = cloud.statuspage("cart-api", 1, False, False)
    body["incident"] |= {"status": "scheduled", "impact": "maintenance"}
    reading = parse_body("statuspage", body)
    assert (len(reading.alerts), len(reading.activities)) == (0, 1)


@pytest.mark.parametrize(
    ("word", "severity"),
    [("Sev0", "critical"), ("Sev1", "high"), ("Sev2", "medium"), ("Sev3", "low"), ("Sev4", "low")],
)
def test_the_severities_of_azure_begin_at_zero(word: str, severity: str) -> None:
    body = cloud.azure("cart-api", 1, False, False)
    body["data"]["essentials"]["severity"] = word
    [alert] = parse_body("azure", body).alerts
    assert str(alert.severity) == severity
    assert alert.labels["azure_severity"] == word


def test_the_groups_of_one_datadog_monitor_are_alerts_of_their_own() -> None:
    bodies = [cloud.datadog_http(name, 1, True, False) for name in ("cart-api", "billing")]
    fingerprints = {parse_body("datadog", body).alerts[0].fingerprint for body in bodies}
    assert len(fingerprints) == 2


@pytest.mark.parametrize("state", ["Triggered", "Re-Triggered", "Warn", "No Data", "Re-No Data"])
def test_the_title_states_of_datadog_fire_and_leave_the_name(state: str) -> None:
    body = cloud.datadog_http("cart-api", 1, True, False)
    body["title"] = f"[P2] [{state} on {{service:cart-api}}] Latency is high"
    [alert] = parse_body("datadog", body).alerts
    assert (str(alert.status), alert.name, str(alert.severity)) == (
        "firing", "Latency is high", "high",
    )  # fmt: skip


def test_a_google_incident_pushed_by_pubsub_is_the_incident_inside() -> None:
    body = cloud.gcp("cart-api", 1, True, False)
    data = base64.b64encode(json.dumps(body).encode()).decode()
    push = {"message": {"data": data, "messageId": "1"}, "subscription": "projects/q/s"}
    [alert], [inside] = parse_body("generic", push).alerts, parse_body("gcp", body).alerts
    assert alert.fingerprint == inside.fingerprint
    assert alert.raw == push


def test_a_push_that_holds_no_json_is_still_an_alert_with_its_text() -> None:
    push = {"message": {"data": "%%%", "messageId": "1"}, "subscription": "projects/q/s"}
    [alert] = parse_body("gcp", push).alerts
    assert alert.not_understood
    assert "%%%" in alert.text


def test_the_name_that_the_console_made_of_an_instance_is_no_service() -> None:
    trigger = {"Dimensions": [{"name": "InstanceId", "value": "i-0abc12def34567890"}]}
    body = {"AlarmName": "awsec2-i-0abc12def34567890-StatusCheckFailed", "Trigger": trigger}
    (alert,) = parse_body("cloudwatch", {**body, "NewStateValue": "ALARM"}).alerts
    assert (alert.service, alert.labels["InstanceId"]) == ("", "i-0abc12def34567890")
    named = {**body, "AlarmName": "search-StatusCheckFailed", "NewStateValue": "ALARM"}
    assert "search" in parse_body("cloudwatch", named).alerts[0].service


def test_the_name_that_cloudformation_made_is_no_service() -> None:
    body = {"AlarmName": "prod-QueueAlarm-1R2LK8WQX0Z", "NewStateValue": "ALARM"}
    [alert] = parse_body("cloudwatch", body).alerts
    assert alert.service == ""


def test_an_alarm_is_the_same_by_sns_by_eventbridge_and_in_slack() -> None:
    readings = (
        parse_body("cloudwatch", aws.cloudwatch_alarm("cart-api", 1, False, False)),
        parse_body("cloudwatch", aws.cloudwatch_event("cart-api", 2, False, False)),
        parse_message(aws.chatbot_slack("cart-api", 3, False, False)),
    )
    assert len({reading.alerts[0].fingerprint for reading in readings}) == 1
