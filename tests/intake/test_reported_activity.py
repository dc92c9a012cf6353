"""A report of a person is activity or an end, and an ordinary alert is neither."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents.model import AlertStatus
from bot.intake import parse_message
from bot.intake.reading import ActivityKind
from tests.helpers.payloads import CASES, load
from tests.intake import infra_payloads, runner_payloads


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "text": text, "bot_id": "B0ANY", "username": "Pager"}


FIRING = parse_message(message("[#12] Disk full on db-2")).alerts[0]


@pytest.mark.parametrize(
    ("text", "kind", "actor"),
    [
        ("Acknowledged by Ana: [#12] Disk full on db-2", ActivityKind.ACKNOWLEDGED, "Ana"),
        ("Acknowledged: [#12] Disk full on db-2", ActivityKind.ACKNOWLEDGED, ""),
        ("Acknowledged #12: Disk full on db-2 by Ana", ActivityKind.ACKNOWLEDGED, "Ana"),
        ("[#12] Disk full on db-2 was acknowledged by Ana Lima", ActivityKind.ACKNOWLEDGED,
         "Ana Lima"),
        ("Ana assigned [#12] Disk full on db-2 to Ben", ActivityKind.ASSIGNED, "Ana"),
        ("Snoozed by Ana: [#12] Disk full on db-2", ActivityKind.SILENCED, "Ana"),
    ],
)  # fmt: skip
def test_what_a_person_did_is_activity_about_the_alert(
    text: str, kind: ActivityKind, actor: str
) -> None:
    reading = parse_message(message(text))
    assert reading.alerts == ()
    [activity] = reading.activities
    assert (activity.kind, activity.actor) == (kind, actor)
    assert activity.fingerprint == FIRING.fingerprint


@pytest.mark.parametrize(
    "text",
    [
        "Disk acknowledged no writes",
        "Connection was closed by peer",
        "Job #33 resolved 4 tasks",
        "Ticket #12 resolved to nothing",
        "Resolved: Disk full",
    ],
)
def test_a_line_about_a_thing_is_an_alert(text: str) -> None:
    reading = parse_message(message(text))
    assert (len(reading.alerts), reading.activities) == (1, ())


@pytest.mark.parametrize(
    "text",
    ["Resolved by Ana: [#12] Disk full on db-2", "[#12] Disk full on db-2 was resolved by Ana"],
)
def test_an_end_by_a_person_resolves_the_alert(text: str) -> None:
    [alert] = parse_message(message(text)).alerts
    assert (alert.status, alert.fingerprint) == (AlertStatus.RESOLVED, FIRING.fingerprint)


@pytest.mark.parametrize(
    "text",
    [
        "Disk acknowledged no writes",
        "Connection was closed by peer",
        "Requests ignored by gateway",
        "Queue assigned to nobody",
        "Messages not acknowledged by consumer orders",
        "Kernel: 3 packets archived on db-2",
    ],
)
def test_an_ordinary_alert_with_such_a_word_fires(text: str) -> None:
    [alert] = parse_message(message(text)).alerts
    assert alert.status is AlertStatus.FIRING


FORMS = {**infra_payloads.FORMS, **runner_payloads.FORMS, **runner_payloads.ENDLESS}


@pytest.mark.parametrize(
    "build", [build for intake, _, build in FORMS.values() if intake == "slack"]
)
def test_no_trouble_of_any_sender_is_taken_for_activity(build: Any) -> None:
    assert parse_message(build("cart-api", 1, True, False)).alerts


@pytest.mark.parametrize(
    "path",
    [path for path in CASES if path.name.startswith("slack_") and "odd" not in path.name],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_no_payload_of_a_sender_is_taken_for_activity(path: Any) -> None:
    assert parse_message(load(path)).alerts
