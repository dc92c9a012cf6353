"""A state may stand in a number with a text, in a field that is true or false, or in the end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.incidents.model import AlertStatus
from bot.incidents.sops import SopLibrary
from bot.intake import parse_body, parse_message
from bot.response.receive import Delivery, name_all

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
ENDS = "2026-11-22T09:04:00Z"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"status": 0, "status_text": "OK"}, RESOLVED),
        ({"status": 1, "statusLabel": "firing"}, FIRING),
        ({"state": 0, "stateName": "Up"}, RESOLVED),
        ({"status": {"code": 0, "label": "OK"}}, RESOLVED),
        ({"status": {"code": 1, "label": "Down"}}, FIRING),
        ({"resolved": True}, RESOLVED),
        ({"is_resolved": 1}, RESOLVED),
        ({"resolved": False}, FIRING),
        ({"firing": "false"}, RESOLVED),
        ({"up": 0}, FIRING),
        ({"up": 1}, RESOLVED),
        ({"healthy": True, "status": "firing"}, FIRING),
        ({"failed": 0}, FIRING),
        ({"down": 1}, FIRING),
        ({"down": 0}, FIRING),
        ({"status": 0}, FIRING),
        ({"status": 1}, FIRING),
        ({"ok": 7}, FIRING),
    ],
    ids=str,
)
def test_a_number_is_read_by_its_text_or_by_a_field_that_is_true_or_false(
    body: dict[str, Any], status: AlertStatus
) -> None:
    [alert] = parse_body("generic", {"name": "Disk of web1", **body}).alerts
    assert alert.status is status


def test_a_line_with_the_text_of_a_number_is_the_state_of_a_message() -> None:
    message = {"text": "Disk of web1\nstate: 0\nstate text: recovered", "bot_id": "B0ANY"}
    assert parse_message(message).alerts[0].status is RESOLVED


def posted(**changes: Any) -> dict[str, Any]:
    labels = {"alertname": "QueueFull", "service": "berth-api"}
    return {"labels": labels, "startsAt": "2026-11-22T09:00:00Z", "endsAt": ENDS, **changes}


def received(source: str, body: object, now: datetime) -> list[AlertStatus]:
    delivery = Delivery("d1", "C0ALERTS", parse_body(source, body).alerts, repeats=True)
    return [item.alert.status for item in name_all(delivery, SopLibrary(), now)]


@pytest.mark.parametrize("source", ["vmalert", "alertmanager", "generic", "loki"])
def test_an_alert_of_alertmanagers_api_is_over_once_its_end_has_passed(source: str) -> None:
    before, after = (datetime(2026, 11, 22, 9, minute, tzinfo=UTC) for minute in (3, 5))
    assert received(source, [posted()], before) == [FIRING]
    assert received(source, [posted()], after) == [RESOLVED]
    assert received(source, [posted(endsAt="0001-01-01T00:00:00Z")], after) == [FIRING]
    assert received(source, [posted(status="firing")], after) == [FIRING]
    fingerprints = {alert.fingerprint for alert in parse_body(source, [posted()]).alerts}
    assert fingerprints == {parse_body("vmalert", [posted(endsAt=None)]).alerts[0].fingerprint}
