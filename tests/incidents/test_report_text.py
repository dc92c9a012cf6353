"""The text after `/incident open` is read: severity, title, service, environment."""

from __future__ import annotations

import pytest

from bot.incidents.model import Severity
from bot.incidents.report_text import ReportText, parse_report


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ("checkout is slow", ReportText("checkout is slow")),
        ("critical checkout is down", ReportText("checkout is down", Severity.CRITICAL)),
        ("SEV2: db full", ReportText("db full", Severity.HIGH)),
        ("low", ReportText("", Severity.LOW)),
        ("error rate is up", ReportText("error rate is up")),
        (
            'medium service=web slow env="prod eu"',
            ReportText("slow", Severity.MEDIUM, "web", "prod eu"),
        ),
        ("service=web", ReportText("", Severity.HIGH, "web")),
        ("the microservice=x is odd", ReportText("the microservice=x is odd")),
        ("", ReportText("")),
    ],
)
def test_a_report_has_a_title_and_perhaps_severity_service_and_environment(
    text: str, report: ReportText
) -> None:
    assert parse_report(text) == report
