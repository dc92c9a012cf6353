"""Bodies about a check, whose name stands elsewhere, and messages below a lone severity."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents.model import Alert, AlertStatus, Severity
from bot.intake import parse_body, parse_message

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
Body = dict[str, Any]


def of_body(body: Body) -> Alert:
    (alert,) = parse_body("quay-watch", body).alerts
    return alert


def of_attachment(title: str, text: str, colour: str) -> Alert:
    attachment = {"title": title, "text": text, "color": colour}
    (alert,) = parse_message({"bot_id": "B0ANY", "attachments": [attachment]}).alerts
    return alert


@pytest.mark.parametrize(
    ("down", "up", "title"),
    [
        (
            {"event": "check_in_missing", "check_in": {"name": "Tides", "state": "missing"}},
            {"event": "check_in_reporting", "check_in": {"name": "Tides", "state": "reporting"}},
            "Tides",
        ),
    ],
)
def test_a_check_is_about_what_it_watches(down: Body, up: Body, title: str) -> None:
    begun, over = of_body(down), of_body(up)
    assert (begun.title, begun.status, over.status) == (title, FIRING, RESOLVED)
    assert begun.fingerprint == over.fingerprint


def test_the_number_of_a_monitor_is_no_title() -> None:
    body = {"monitor_id": 1, "monitor_state": "down", "location": "https://tides.example"}
    assert of_body(body).title == "https://tides.example"


def test_a_lone_severity_is_a_heading() -> None:
    alert = of_attachment("Critical", "place: quay-db - disk", "danger")
    assert (alert.title, alert.severity_raw) == ("place: quay-db - disk", "critical")


def test_a_count_behind_the_state_leaves_the_title() -> None:
    firing = of_attachment("FIRING:1 - QuayFull", "no berth", "danger")
    over = of_attachment("RESOLVED - QuayFull", "no berth", "good")
    assert firing.title == over.title == "QuayFull"
    assert firing.fingerprint == over.fingerprint


def test_rows_that_name_the_alert_tell_an_unnamed_alertmanager() -> None:
    rows = "*Alerts Firing:*\n• *Alert:* QuayFull - `critical`\n*Description:* no berth"
    firing = of_attachment("[FIRING:1] QuayFull", rows, "danger")
    over = of_attachment("[RESOLVED] QuayFull", rows.replace("Firing", "Resolved"), "good")
    assert (firing.name, firing.severity) == ("QuayFull", Severity.CRITICAL)
    assert (over.name, over.status) == ("QuayFull", RESOLVED)
    assert firing.fingerprint == over.fingerprint


ROWS = "Alert: {}\nStarted: 10:00"


@pytest.mark.parametrize(
    ("firing", "rows", "resolved", "rows_of_end"),
    [
        ("[FIRING:1] QuayFull (tides critical)", "", "[RESOLVED] QuayFull (tides critical)", ""),
        ("[FIRING:1] QuayFull", "", "[RESOLVED] QuayFull", ""),
        ("[FIRING:1] QuayFull (critical)", "", "[RESOLVED] QuayFull (critical)", ""),
        ("[FIRING:1] QuayFull", ROWS, "[RESOLVED] QuayFull", ROWS),
        ("[FIRING:1] Quay is full", ROWS, "[RESOLVED] Quay is full", f"{ROWS}\nEnded: 11:00"),
        ("[FIRING:2] QuayFull", f"{ROWS}\n\nAlert: CraneStuck", "[RESOLVED] QuayFull", ROWS),
        ("[FIRING:1] QuayFull", ROWS, "[RESOLVED] QuayFull", f"{ROWS}\n\nAlert: CraneStuck"),
        ("[FIRING:1] QuayFull", ROWS, "[RESOLVED] QuayFull", ""),
        ("[FIRING:1] QuayFull (critical)", ROWS, "[RESOLVED] QuayFull (critical)", ""),
        ("[FIRING:1] QuayFull", "alertname = QuayFull", "[RESOLVED] QuayFull", "no berth"),
    ],
)
def test_the_end_of_an_unnamed_alertmanager_closes_with_or_without_rows(
    firing: str, rows: str, resolved: str, rows_of_end: str
) -> None:
    begun = of_attachment(firing, rows.format("No berth is free"), "danger")
    over = of_attachment(resolved, rows_of_end.format("No berth is free"), "good")
    assert (begun.status, over.status) == (FIRING, RESOLVED)
    assert (begun.source, begun.fingerprint) == (over.source, over.fingerprint)


def test_other_titles_above_the_same_rows_are_other_alerts() -> None:
    full = of_attachment("[FIRING:1] QuayFull", ROWS.format("No berth is free"), "danger")
    other = of_attachment("[RESOLVED] CraneStuck", ROWS.format("No berth is free"), "good")
    assert full.fingerprint != other.fingerprint
