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
    assert (firing.source, firing.severity) == ("alertmanager", Severity.CRITICAL)
    assert (over.source, over.status) == ("alertmanager", RESOLVED)
    assert firing.fingerprint == over.fingerprint
