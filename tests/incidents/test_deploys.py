"""Alerts that report a deploy, and the bodies of POST /deploys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.errors import InputError
from bot.incidents.deploys import deploy_in
from bot.incidents.model import Alert, AlertStatus, Hyperlink
from bot.incidents.sops import SopLibrary
from bot.intake.deploy_request import parse_deploy_request
from bot.response.receive import deploy_of
from tests.helpers.builders import NOW, alert, identify

URL = "https://ci.example/7"


def reported(**changes: Any) -> Alert:
    fields: dict[str, Any] = {
        "status": AlertStatus.RESOLVED,
        "ends_at": NOW - timedelta(minutes=3),
        "category": "deploy",
        "links": (Hyperlink("run", URL),),
    }
    return alert(**{**fields, **changes})


@pytest.mark.parametrize(
    ("report", "is_deploy"),
    [
        (reported(source="github", name="Deploy to production"), True),
        (reported(source="github", name="Unit tests", category="ci"), False),
        (reported(source="gitlab", name="deploy web failed", status=AlertStatus.FIRING), True),
        (reported(source="argocd", name="web: sync failed"), True),
        (reported(source="argocd", name="web: degraded", text="running new version"), True),
        (reported(source="argocd", name="web: degraded", text="web has degraded"), False),
        (reported(source="flux", name="x", labels={"kind": "helmrelease"}), True),
        (reported(source="flux", name="x", labels={"kind": "gitrepository"}), False),
        (reported(source="github", name="Deploy to production", service=""), False),
        (alert(), False),
    ],
)
def test_an_alert_about_a_deploy_counts_as_one(report: Alert, is_deploy: bool) -> None:
    assert (deploy_in(identify(report), NOW) is not None) is is_deploy


def test_a_reported_deploy_has_its_version_time_and_address() -> None:
    report = reported(source="github", name="Deploy", labels={"sha": "c0ffee", "author": "ana"})
    deploy = deploy_in(identify(report), NOW)
    assert deploy is not None
    assert (deploy.service, deploy.env, deploy.version) == ("web", "production", "c0ffee")
    assert (deploy.at, deploy.by, deploy.url) == (NOW - timedelta(minutes=3), "ana", URL)
    ahead = replace(report, ends_at=NOW + timedelta(days=1))
    assert deploy_in(identify(ahead), NOW).at == NOW


def test_a_body_is_read_by_the_same_rules_as_an_alert() -> None:
    body = {"service": "CheckoutApi prod", "version": 7, "at": "2026-01-01T00:00:00", "url": URL}
    request = parse_deploy_request(body, datetime(2026, 1, 1, 0, 5, tzinfo=UTC))
    deploy = deploy_of(request, SopLibrary())
    assert (deploy.service, deploy.env, deploy.version) == ("checkout_api", "production", "7")
    assert deploy.at == datetime(2026, 1, 1, tzinfo=UTC), "a time without a zone is UTC"


@pytest.mark.attack("ASI06")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service", ""),
        ("service", ["web"]),
        ("version", {"a": 1}),
        ("at", "yesterday"),
        ("at", "2001-01-01T00:00:00Z"),
        ("at", "2999-01-01T00:00:00Z"),
        ("url", "javascript:alert(1)"),
        ("url", "https://" + "a" * 3_000),
        ("url", "file:///etc/passwd"),
    ],
)
def test_a_field_of_another_form_is_refused_by_its_name(field: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        parse_deploy_request({"service": "web", field: value}, NOW)
    assert str(caught.value).startswith(f"{field}: ")


@pytest.mark.attack("ASI06")
def test_text_of_a_report_is_cut_and_has_no_control_characters() -> None:
    request = parse_deploy_request({"service": "web", "by": "a\x00\n<@U1>" + "x" * 999}, NOW)
    assert len(request.by) <= 100
    assert request.by.isprintable()
