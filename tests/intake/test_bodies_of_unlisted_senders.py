"""Bodies of senders without a parser: what the alert is about, and what says that it is over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.incidents.model import AlertStatus
from bot.intake import parse_body
from bot.sources_command.commands import Payloads, outcome_of, read

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
Body = dict[str, Any]


def check_of(status: int, output: str) -> Body:
    """An event of a monitoring plugin, which says its state by an exit code and a word."""
    check = {
        "metadata": {"name": "disk-root"},
        "status": status,
        "state": "failing" if status else "passing",
        "output": output,
    }
    return {"entity": {"metadata": {"name": "berth-3"}}, "check": check}


def run_of(state: str, number: int) -> Body:
    return {
        "run_id": f"run-{number}",
        "workspace_name": "quay-net",
        "notifications": [{"message": f"Run {state}", "run_status": state}],
    }


def build_of(result: str, number: int) -> Body:
    return {
        "event_type": "build.complete",
        "message": {"text": f"Build {number} {result}"},
        "resource": {"status": "completed", "result": result, "definition": {"name": "crane-ci"}},
    }


def item_of(event: str) -> Body:
    item = {"id": 4, "title": "TypeError: berth", "level": 40, "environment": "production"}
    return {"event_name": event, "data": {"item": item}}


def site_of(event: str) -> Body:
    is_down = event == "check.down"
    check = {"alias": "Quay front", "url": "https://quay.example", "down": is_down}
    return {"event": event, "check": check, "account": {"name": "Harbour"}}


PAIRS = {
    "a monitor's friendly name and its state in words": (
        {"monitorFriendlyName": "Quay front", "alertType": 1, "alertTypeFriendlyName": "Down"},
        {"monitorFriendlyName": "Quay front", "alertType": 2, "alertTypeFriendlyName": "Up"},
        "Quay front",
    ),
    "the state in a name of several words": (
        {"event_data": {"check_state_name": "Not Responding", "application_name": "Quay front"}},
        {"event_data": {"check_state_name": "Available", "application_name": "Quay front"}},
        "Quay front",
    ),
    "not the state before": (
        {"name": "Quay front", "new_health_status": "unhealthy", "old_health_status": "healthy"},
        {"name": "Quay front", "old_health_status": "unhealthy", "new_health_status": "healthy"},
        "Quay front",
    ),
    "the state in an event's name": (site_of("check.down"), site_of("check.up"), "Quay front"),
    "an event in camel case": (
        {"eventType": "Health", "message": "Feed is unavailable"},
        {"eventType": "HealthRestored", "message": "Feed is unavailable"},
        "Feed is unavailable",
    ),
    "an event that ends": (
        {"name": "Origin", "text": "Origin reported", "alert_event": "STATE_EVENT_START"},
        {"name": "Origin", "text": "Origin reported", "alert_event": "STATE_EVENT_END"},
        "Origin",
    ),
    "the item that an event is about": (
        item_of("new_item"),
        item_of("resolved_item"),
        "TypeError: berth",
    ),
    "a level that is no trouble": (
        {"id": "load", "message": "load of berth-3 reported", "level": "CRITICAL"},
        {"id": "load", "message": "load of berth-3 reported", "level": "OK"},
        "load of berth-3 reported",
    ),
    "an exit code": (check_of(2, "DISK 96 %"), check_of(0, "DISK 40 %"), "disk-root"),
    "the state of a run": (run_of("errored", 1), run_of("applied", 2), "quay-net"),
    "the result of a completed run": (
        build_of("failed", 7),
        build_of("succeeded", 8),
        "crane-ci",
    ),
    "a flag in a wrapper": (
        {"data": {"connection": {"name": "orders"}, "workspace": {"name": "Q"}, "success": False}},
        {"data": {"connection": {"name": "orders"}, "workspace": {"name": "Q"}, "success": True}},
        "orders",
    ),
    "an end that is known by its id only": (
        {"event": "alert.fired", "alert_id": "a-1", "message": "Berth pool is empty"},
        {"event": "alert.resolved", "alert_id": "a-1", "name": "Berth pool is empty"},
        "Berth pool is empty",
    ),
    "a type of the event without more": (
        {"monitor": "Nightly load", "rule": "Not complete", "type": "ALERT"},
        {"monitor": "Nightly load", "rule": "Not complete", "type": "RECOVERY"},
        "Not complete",
    ),
    "an event of a node": (
        {"event": "node.offline", "timestamp": "2026-11-22T10:01:00Z", "data": {"node_name": "q1"}},
        {"event": "node.online", "timestamp": "2026-11-22T10:21:00Z", "data": {"node_name": "q1"}},
        "q1",
    ),
    "labels that hold the state": (
        {"description": "Load", "event_status": "Critical", "labels": {"alarm_status": "active"}},
        {"description": "Load", "event_status": "Ok", "labels": {"alarm_status": "inactive"}},
        "Load",
    ),
    "the kind of its trigger": (
        {"MonitorName": "Load", "TriggerType": "Critical"},
        {"MonitorName": "Load", "TriggerType": "ResolvedCritical"},
        "Load",
    ),
    "a severity in the field of the state": (
        {"alert": {"monitorName": "Load", "status": "critical"}, "host": {"status": "working"}},
        {"alert": {"monitorName": "Load", "status": "ok"}, "host": {"status": "working"}},
        "Load",
    ),
}


@pytest.mark.parametrize(("firing", "over", "name"), PAIRS.values(), ids=list(PAIRS))
def test_trouble_and_end_of_an_unlisted_sender_are_one_closed_incident(
    firing: Body, over: Body, name: str
) -> None:
    payloads = Payloads("http", "generic", [firing, over])
    readings = [read(payloads, body) for body in payloads.inputs]
    assert [reading.alerts[0].status for reading in readings] == [FIRING, RESOLVED]
    assert {reading.alerts[0].name for reading in readings} == {name}
    outcome = asyncio.run(outcome_of(payloads, readings))
    assert (outcome.incidents, outcome.open_at_end) == (1, 0)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": "SUCCESS", "qualityGate": {"name": "Gate", "status": "ERROR"}}, FIRING),
        ({"status": "SUCCESS", "qualityGate": {"name": "Gate", "status": "OK"}}, RESOLVED),
        ({"event": "alert", "alert": {"status": "ok", "name": "Load"}}, RESOLVED),
        ({"type": "availability", "name": "Quay front"}, FIRING),
        ({"name": "Quay front", "priority": "normal"}, FIRING),
        ({"name": "Quay front", "severity": "normal"}, FIRING),
        ({"name": "Mail", "last_delivery_status": "ok"}, FIRING),
        ({"name": "Disk full", "severity": "critical", "fan_status": "ok"}, FIRING),
        ({"name": "Disk full", "severity": "critical", "labels": {"power_state": "ok"}}, FIRING),
        ({"name": "Disk full", "severity": "critical", "ticket": {"state": "closed"}}, FIRING),
        ({"name": "Disk full", "severity": "critical", "notification_status": "sent ok"}, FIRING),
        ({"name": "Disks", "raid_state": "ok", "disk_state": "failed"}, FIRING),
        ({"name": "Hosts", "hosts": [{"state": "up"}, {"host_state": "down"}]}, FIRING),
        ({"name": "Disk full", "severity": "critical", "status": "resolved"}, RESOLVED),
        ({"name": "Disk", "severity": "low", "health_status": "ok"}, RESOLVED),
    ],
    ids=str,
)
def test_no_other_word_of_a_body_ends_an_alert(body: Body, status: AlertStatus) -> None:
    assert parse_body("generic", body).alerts[0].status is status


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        (check_of(1, "DISK 90 %"), "medium"),
        (check_of(2, "DISK 96 %"), "critical"),
        ({"name": "Load", "status": "warning"}, "medium"),
        ({"name": "Load", "status": "CRITICAL"}, "critical"),
        ({"name": "Load", "status": "CRITICAL", "severity": "low"}, "low"),
    ],
    ids=str,
)
def test_a_severity_may_stand_where_the_state_stands(body: Body, severity: str) -> None:
    assert parse_body("generic", body).alerts[0].severity == severity


@pytest.mark.parametrize(
    ("body", "service"),
    [
        ({"error": {"message": "No berth"}, "project": {"name": "quay-web"}}, "quay-web"),
        ({"event": {"id": 1}, "payload": {"project": {"name": "quay-web"}}}, "quay-web"),
        ({"title": "A shell was started", "tags": ["container", "shell"]}, ""),
        ({"title": "Load", "labels": {"service": "unknown", "app": "quay-web"}}, "quay-web"),
        ({"title": "Load", "labels": {"service": "n/a"}}, ""),
    ],
    ids=str,
)
def test_the_service_is_a_name_and_no_empty_word(body: Body, service: str) -> None:
    assert parse_body("generic", body).alerts[0].service == service


def test_an_environment_that_a_template_did_not_know_is_none() -> None:
    [alert] = parse_body("generic", {"title": "Load", "labels": {"env": "unknown"}}).alerts
    assert alert.env == ""


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ({"message": "Berth is slow", "description": "p99 over 3 s"}, "Berth is slow"),
        ({"error": {"message": "No berth"}, "application": {"name": "quay-web"}}, "No berth"),
        ({"problem": {"message": "No berth", "app_name": "quay-web"}}, "No berth"),
        ({"MONITORNAME": "Quay front", "MONITOR_GROUPNAME": "web"}, "Quay front"),
    ],
    ids=str,
)
def test_the_title_is_what_the_alert_is_about(body: Body, title: str) -> None:
    assert parse_body("generic", body).alerts[0].title == title


@pytest.mark.parametrize(
    "body",
    [
        {"title": "Load", "starttime": "2026-11-22 10:01:00 UTC"},
        {"check": {"name": "Load", "down_since": "2026-11-22T10:01:00Z"}},
        {"alert": {"ruleName": "Load", "dateStartZoned": "2026-11-22 10:01:00 UTC"}},
        {"alert": {"name": "Load"}, "trigger_time": 1795341660},
        {"timestamp": 1795341999, "alert": {"name": "Load", "fired_at": "2026-11-22T10:01:00Z"}},
    ],
    ids=str,
)
def test_the_start_is_read_under_the_names_that_senders_give_it(body: Body) -> None:
    [alert] = parse_body("generic", body).alerts
    assert alert.starts_at is not None
    assert alert.starts_at.isoformat() == "2026-11-22T10:01:00+00:00"


def test_two_alerts_with_ids_of_their_own_are_two() -> None:
    bodies = [{"event": "alert.fired", "alert_id": name, "message": "Full"} for name in "ab"]
    alerts = [parse_body("generic", body).alerts[0] for body in bodies]
    assert alerts[0].fingerprint != alerts[1].fingerprint


def test_a_rule_of_a_monitor_says_of_which_monitor_it_is() -> None:
    [alert] = parse_body("generic", {"monitor": "Nightly load", "rule": "Not complete"}).alerts
    assert alert.title == "Nightly load: Not complete"
