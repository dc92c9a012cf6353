"""A name may stand behind the state: `Backup missed: nightly`. A reason there names nothing."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents.model import Alert, AlertStatus
from bot.intake import parse_body, parse_message
from bot.intake.headline import read_headline

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


def posted(text: str) -> Alert:
    (alert,) = parse_message({"bot_id": "B0ANY", "text": text}).alerts
    return alert


def of_body(**body: Any) -> Alert:
    (alert,) = parse_body("quay-watch", body).alerts
    return alert


@pytest.mark.parametrize(
    ("firing", "resolved"),
    [
        ("Backup missed: {}", "Backup succeeded: {}"),
        ("Backup failed: {}", "Backup OK: {}"),
        ("Backup missed - {}", "Backup completed - {}"),
        ("Problem: Backup failed: {}", "Resolved: Backup failed: {}"),
        ("[FIRING:1] Database backup failed: {}", "[RESOLVED] Database backup failed: {}"),
        ("Nightly export failed: {}: disk full", "Nightly export succeeded: {}: 3 GB"),
        ("Cron job missed: {}", "Cron job ok: {}"),
        ("Health check failed: {} (HTTP 503)", "Health check passed: {}"),
        ("Website down: {}", "Website up: {}"),
        ("Tide sync failed: {}", "Tide sync recovered: {}"),
        ("Sicherung fehlgeschlagen: {}", "Sicherung erfolgreich: {}"),
    ],
)
@pytest.mark.parametrize(("name", "other"), [("tides", "berths"), ("quay-a", "quay-b")])
def test_things_of_one_kind_are_told_apart_by_the_name_behind_their_state(
    firing: str, resolved: str, name: str, other: str
) -> None:
    begun, over = posted(firing.format(name)), posted(resolved.format(name))
    assert begun.fingerprint == over.fingerprint
    assert begun.fingerprint != posted(firing.format(other)).fingerprint
    assert over.status is RESOLVED
    assert name in read_headline(firing.format(name)).subject


def test_an_identifier_is_a_name_behind_any_plain_word() -> None:
    assert read_headline("Turbine failed: quay-2").subject == "Turbine quay-2"
    assert read_headline("Turbine recovered: quay-2").subject == "Turbine quay-2"


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("web1 down: timeout after 10 s", "web1"),
        ("tides is down: Connection refused", "tides"),
        ("tides failed: OOMKilled", "tides"),
        ("quay-backup failed: exit code 1", "quay-backup"),
        ("Backup failed: disk full", "Backup"),
        ("API down: 503 Service Unavailable", "API"),
        ("Tides failed: java.net.ConnectException", "Tides"),
        ("Tide level resolved: 3", "Tide level"),
    ],
)
def test_a_reason_behind_a_state_is_no_name(title: str, subject: str) -> None:
    assert read_headline(title).subject == subject


@pytest.mark.parametrize(
    "watched",
    [
        {"monitor": {"name": "Tides"}},
        {"monitor": {"label": "Tides"}},
        {"monitor": {"friendlyName": "Tides"}},
        {"monitor": "Tides"},
        {"label": "Tides"},
        {"site": "Tides"},
        {"site": {"name": "Tides"}},
        {"check": {"name": "Tides", "type": "http"}},
    ],
)
@pytest.mark.parametrize("field", ["title", "name", "summary", "message"])
def test_a_title_that_is_only_what_a_check_saw_names_what_it_watches(
    watched: dict[str, Any], field: str
) -> None:
    refused = of_body(**{field: "Connection refused"}, status="down", **watched)
    failed = of_body(**{field: "HTTP 503"}, status="down", **watched)
    over = of_body(**{field: "HTTP 200"}, status="up", **watched)
    assert (refused.title, failed.title) in (
        ("Tides: Connection refused", "Tides: HTTP 503"),
        ("Tides", "Tides"),  # the text below says what the check saw
    )
    assert (refused.fingerprint, over.status) == (failed.fingerprint, RESOLVED)
    assert over.fingerprint == refused.fingerprint


def test_a_title_that_says_more_stays() -> None:
    assert of_body(title="Tides: connection refused", site="quay").title == (
        "Tides: connection refused"
    )
    assert of_body(title="Connection refused", status="down").title == "Connection refused"
