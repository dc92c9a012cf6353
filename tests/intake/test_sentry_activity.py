"""Activity about a Sentry issue: a person assigned, archived or commented on it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.incidents.model import AlertStatus
from bot.intake import parse_body
from bot.intake.reading import ActivityKind
from tests.helpers.payloads import PAYLOADS, load


def issue(action: str) -> Any:
    body = load(PAYLOADS / "sentry/http_issue_resolved.json")
    body = json.loads(json.dumps(body).replace('"status": "resolved"', '"status": "unresolved"'))
    return body | {"action": action, "actor": {"type": "user", "name": "Ana Lima"}}


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("assigned", ActivityKind.ASSIGNED),
        ("archived", ActivityKind.ARCHIVED),
        ("ignored", ActivityKind.ARCHIVED),
    ],
)
def test_an_action_on_an_issue_is_activity_about_its_alert(action: str, kind: ActivityKind) -> None:
    [alert] = parse_body("sentry", issue("created")).alerts
    reading = parse_body("sentry", issue(action))
    assert reading.alerts == ()
    [activity] = reading.activities
    assert (activity.kind, activity.actor) == (kind, "Ana Lima")
    assert (activity.fingerprint, activity.is_stated) == (alert.fingerprint, True)


def test_a_comment_is_activity_about_the_issue_that_it_names() -> None:
    [alert] = parse_body("sentry", issue("created")).alerts
    body = {"action": "created", "data": {"comment": "The berth is back", "issue_id": 9077}}
    [activity] = parse_body("generic", body).activities
    assert (activity.kind, activity.text) == (ActivityKind.COMMENTED, "The berth is back")
    assert activity.fingerprint == alert.fingerprint


def test_an_issue_that_a_person_resolved_is_over() -> None:
    [alert] = parse_body("sentry", issue("resolved")).alerts
    assert alert.status is AlertStatus.RESOLVED
