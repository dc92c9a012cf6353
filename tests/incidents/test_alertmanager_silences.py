"""Silences in Alertmanager's words and in ours: exactly, or not at all."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import InputError
from bot.incidents.alertmanager_silences import body_of, silence_from
from bot.incidents.environments import DEFAULT
from tests.helpers.silences import silence


def theirs(*matchers: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "2f0c",
        "matchers": list(matchers),
        "createdBy": "ana",
        "comment": "a move",
        "startsAt": "2026-11-21T03:00:00.000Z",
        "endsAt": "2026-11-21T05:00:00.000Z",
        "status": {"state": "active"},
    }


def equal(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value, "isRegex": False, "isEqual": True}


def regex(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value, "isRegex": True, "isEqual": True}


@pytest.mark.parametrize(
    ("matcher", "match"),
    [
        (equal("service", "checkout-api"), {"service": ("checkout-api",)}),
        (equal("alertname", "HighCpu"), {"name": ("HighCpu",)}),
        (equal("instance", "db-1:9100"), {"label.instance": ("db-1:9100",)}),
        (equal("env", "prod"), {"env": ("prod",)}),
        (equal("env", "blue"), {"label.env": ("blue",)}),
        (regex("service", "web|shop-.*"), {"service": ("web", "shop-*")}),
        (regex("job", r"^(?:db1-.*|web\.example)$"), {"label.job": ("db1-*", "web.example")}),
    ],
)
def test_a_silence_of_alertmanager_is_read(
    matcher: dict[str, Any], match: dict[str, tuple[str, ...]]
) -> None:
    item = silence_from(theirs(matcher), "C0OPS", DEFAULT)
    assert item.matcher.match == match
    assert (item.reason, item.author, item.origin) == ("ana: a move", "", "alertmanager/2f0c")


@pytest.mark.parametrize(
    "matcher",
    [
        equal("service", "web") | {"isEqual": False},
        regex("service", "web[0-9]+"),
        regex("service", "web.+"),
        regex("service", "(a|b)c"),
        regex("service", "w?eb"),
        equal("service", "we*b"),
        regex("service", ".*"),
        equal("severity", "critical"),
    ],
)
@pytest.mark.attack("ASI02")
def test_a_silence_that_cannot_be_said_exactly_or_of_everything_is_not_used(
    matcher: dict[str, Any],
) -> None:
    with pytest.raises(InputError):
        silence_from(theirs(matcher), "C0OPS", DEFAULT)


def matches(body: dict[str, Any], **labels: str) -> bool:
    """Return what Alertmanager's own rule says: anchored, an absent label is empty."""
    return all(
        bool(re.fullmatch(item["value"], labels.get(item["name"], ""))) == item["isEqual"]
        for item in body["matchers"]
    )


def test_a_silence_of_a_person_is_written_for_every_spelling_and_not_for_critical_alerts() -> None:
    item = silence(**{"service": "Checkout-*", "env": "prod", "label.pod": "a.b"})
    body = body_of(item, "[sopbot x 1]", DEFAULT)
    assert body is not None
    labels = {"service": "checkout-api", "env": "production", "pod": "a.b", "severity": "warning"}
    assert matches(body, **labels)
    assert not matches(body, **labels | {"severity": "page"}), "critical"
    assert not matches(body, **labels | {"pod": "axb"})
    assert not matches(body, **labels | {"env": "staging"})
    assert body["comment"] == "a planned move [sopbot x 1]"


def test_a_silence_that_names_critical_is_written_for_them() -> None:
    body = body_of(silence(service="web", severity="critical"), "[]", DEFAULT)
    assert body is not None
    assert matches(body, service="web", severity="page")
    assert not matches(body, service="web", severity="warning")


def test_a_silence_by_source_is_not_written() -> None:
    assert body_of(silence(service="web", source="grafana"), "[]", DEFAULT) is None
    assert body_of(replace(silence(), reason="x" * 200), "[sopbot x 1]", DEFAULT) is not None
