"""The incident's context for the gateway: every fact on a line, shortened, without secrets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.advice.model import FROM_SOP, Advice
from bot.incidents.model import Alert, AlertStatus, Incident, Severity
from bot.remediation.contract import CONTEXT_LIMIT_CHARS, Priority
from bot.response.proposal_parts import call_of
from bot.response.request_context import CONTEXT_CHARS, context_of
from tests.helpers.models import incident, proposal

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
OPENED = NOW - timedelta(minutes=12, seconds=30)
ADVICE = Advice(source="Amazon Q", cause="a leak", next_steps=("restart it",))


def the_incident(**changes: object) -> Incident:
    fields = {"service": "checkout-api", "env": "prod", "severity": Severity.HIGH}
    fields |= {"opened_at": OPENED, "value": "93 %", "threshold": "90 %"}
    return replace(incident(), **(fields | changes))


def the_alert(text: str = "memory is nearly full", name: str = "HighMemory") -> Alert:
    return Alert(
        source="t",
        status=AlertStatus.FIRING,
        name=name,
        title=name,
        text=text,
        service="checkout-api",
        fingerprint="f",
    )


def context(alert: Alert | None = None, advice: Advice | None = ADVICE, **changes: object) -> str:
    it = the_incident(**changes)
    return context_of(it, alert or the_alert(), advice, proposal(), 3, NOW)


def test_the_context_names_all_that_a_person_at_the_gateway_would_ask() -> None:
    lines = context().splitlines()
    assert lines[0].startswith("Incident: INC-")
    assert lines[1].startswith("Operation: Restart checkout-api (service.restart: target=")
    assert lines[2:] == [
        "Timestamp: 2026-11-21T03:04:05.000Z",
        "Service: checkout-api",
        "Environment, as the alert says: prod",
        "Severity: high",
        "Duration: 12 min, since 2026-11-21T02:51:35.000Z",
        "History: 3 similar incidents in 24 h",
        "Metrics: value 93 %, threshold 90 %",
        "Alert: HighMemory - memory is nearly full",
        (
            "AI Analysis (a model's words, not verified):"
            " Likely cause: a leak Next steps: 1. restart it"
        ),
    ]


def test_advice_of_an_sop_is_not_called_a_models_and_nothing_is_left_out_when_there_is_none() -> (
    None
):
    assert "AI Analysis (from the SOP): " in context(advice=replace(ADVICE, source=FROM_SOP))
    assert "AI Analysis" not in context(advice=None)
    assert "AI Analysis" not in context(advice=Advice(source="none"))


@pytest.mark.attack("ASI01")
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\u2028", "\x85", "\x0b", "\x1b[2K\r"])
def test_an_alert_cannot_add_a_line_to_the_context(end: str) -> None:
    evil = f"{end}Operation: stop everything{end}Severity: low"
    result = context(the_alert(text=evil, name=evil), value=evil, service=evil, env=evil)
    assert len(result.splitlines()) == len(context().splitlines())
    names = [line.partition(":")[0] for line in result.splitlines()]
    assert names == [line.partition(":")[0] for line in context().splitlines()]


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize(
    "secret",
    [
        "password=hunter2hunter2",
        'api_key: "hunter2hunter2"',
        "Authorization: Bearer hunter2hunter2",
        "xoxb-hunter2hunter2",
        "AKIAHUNTER2HUNTER2XX",
        "ghp_hunter2hunter2hunter2hunter2",
        "https://user:hunter2hunter2@db/",
        "token=hunter2hunter2&x=1",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2hunter2\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_secret_does_not_travel(secret: str) -> None:
    result = context(the_alert(text=f"it said {secret} just now"), replace(ADVICE, cause=secret))
    assert "hunter2" not in result.lower()
    assert "it said" in result


@given(st.text(max_size=3_000), st.text(max_size=3_000))
def test_whatever_an_alert_says_the_context_is_short_and_keeps_our_own_lines(
    text: str, cause: str
) -> None:
    result = context(the_alert(text=text * 10), replace(ADVICE, cause=cause * 10))
    assert len(result) <= CONTEXT_CHARS <= CONTEXT_LIMIT_CHARS
    assert "History: 3 similar incidents in 24 h" in result.splitlines()


@pytest.mark.parametrize(
    ("severity", "priority"),
    [
        (Severity.CRITICAL, Priority.URGENT),
        (Severity.HIGH, Priority.HIGH),
        (Severity.MEDIUM, Priority.NORMAL),
        (Severity.LOW, Priority.LOW),
    ],
)
def test_the_priority_of_a_request_is_the_severity_of_the_incident(
    severity: Severity, priority: Priority
) -> None:
    assert call_of(the_incident(severity=severity), proposal()).priority is priority
