"""Bodies of senders without a parser: what ends an alert, and what only looks like an end."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents.model import Alert, AlertStatus, Severity
from bot.intake import parse_body

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
Body = dict[str, Any]


def alert_of(body: Body) -> Alert:
    (alert,) = parse_body("quay-watch", body).alerts
    return alert


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Replica of berths lags", "severity": "critical", "failed": False},
        {"name": "Replica of berths lags", "severity": "critical", "success": True},
        {"success": True, "alert": {"title": "Berth pool is down"}},
        {"ok": True, "alert": {"title": "Berth pool is down"}},
        {"title": "Too many open berths", "pull_request": {"state": "closed"}},
        {"title": "Crane is blocked", "data": {"state": "closed"}},
        {"title": "Disk of berth-3 fills", "node": {"status": "ready"}},
        {"title": "Disk of berth-3 fills", "node": {"status": "up"}},
        {"title": "Crane is blocked", "author": {"action": "closed"}},
        {"name": "cpu", "recovery_time": "0", "alarm_time": "2026-11-22 10:01:00"},
        {"name": "cpu", "resolved_at": None, "title": "CPU of berth-3"},
        {"name": "cpu", "type": "OK_TO_FIRING"},
        {"name": "cpu", "state": {"from": "OK", "to": "ALARM"}},
        {"name": "Links", "message": "Connection reset"},
    ],
)
def test_what_only_looks_like_an_end_keeps_the_alert_open(body: Body) -> None:
    assert alert_of(body).status is FIRING


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"alert": {"title": "Berth queue is long", "status": "resolved"}}},
        {
            "name": "cpu",
            "alarm_time": "2026-11-22 10:01:00",
            "recovery_time": "2026-11-22 10:09:00",
        },
        {"title": "CPU", "severity": "CRITICAL", "type": "FIRING_TO_OK", "parts": {"status": "OK"}},
        {"message": "berth-3 has 9 links", "alertstatus": "clear", "level": "critical"},
        {"AlertName": "CPU of a node", "Status": "Reset", "Severity": "Critical"},
        {"name": "5xx of checkout", "alert_action": "resolve", "severity": "Critical"},
        {"name": "orders-db", "HEALTHSEVERITY": "Clear"},
        {"name": "cpu", "stateChange": {"from": "ALARM", "to": "OK"}},
        {"title": "Checks of berth-3", "isOpen": False, "severity": "critical"},
        {"service": {"name": "Quay", "status": "UP"}, "checkedAt": "2026-11-22T10:01:00Z"},
    ],
)
def test_an_end_is_read_wherever_a_sender_states_it(body: Body) -> None:
    assert alert_of(body).status is RESOLVED


@pytest.mark.parametrize(
    ("name", "word", "severity"),
    [
        ("triggerLevel", "CRITICAL", Severity.CRITICAL),
        ("AlarmLevel", "Major", Severity.HIGH),
        ("HEALTHSEVERITY", "Critical", Severity.CRITICAL),
        ("NotificationType", "error", Severity.HIGH),
        ("preTriggerLevel", "CRITICAL", Severity.MEDIUM),
        ("previous_severity", "CRITICAL", Severity.MEDIUM),
    ],
)
def test_a_severity_has_many_names_but_not_that_of_the_one_before(
    name: str, word: str, severity: Severity
) -> None:
    assert alert_of({"title": "Berths are full", name: word}).severity is severity


@pytest.mark.parametrize(
    "times",
    [
        {"AlarmTime": "2026-11-22 10:01:00"},
        {"occur_at": 1795341660},
        {"cronTimestamp": 1795341660000},
        {"timestamp": 1795341660000000},
        {"at": 1795341660000000000},
        {"check": {"request_start_time": "2026-11-22T10:01:00"}},
        {"datetime": {"$date": 1795341660000}},
        {"INCIDENT_TIME": "11/22/2026 10:01 AM UTC"},
        {"alarm_time": "2026/11/22 18:01:00 GMT+08:00"},
        {"response_time": 1795341999, "update_time": 1795341999, "checked_at": 1795341660},
        {"started": 300, "alert_timestamp": 1795341660},
    ],
)
def test_a_time_is_found_under_any_name_and_in_any_unit(times: Body) -> None:
    starts_at = alert_of({"title": "Berths are full", **times}).starts_at
    assert starts_at is not None
    assert f"{starts_at:%Y-%m-%d %H:%M}" == "2026-11-22 10:01"
