"""The keys of an SOP fit an alert in whatever words both are written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.incidents.environments import Environments
from bot.incidents.keys import incident_key_of, sop_id_of
from bot.incidents.model import Alert, AlertStatus
from bot.incidents.severity_words import severity_of
from bot.incidents.sop_keys import read_key, spelled
from bot.incidents.sops import SopLibrary
from bot.intake.drafting import Draft


def alert(severity: str = "high", **fields: Any) -> Alert:
    """An alert as intake makes it of a sender's words."""
    return Draft(
        source="test",
        status=AlertStatus.FIRING,
        name="Alert",
        raw={},
        identity={},
        severity=severity,
        service="web",
        **fields,
    ).alert()


@pytest.mark.parametrize("key", ["production", "prod", "PROD", "live", "prod*", "produ*", "*"])
@pytest.mark.parametrize("text", ["production", "prod", "Prod", "live", "\uff50\uff52\uff4f\uff44"])
def test_production_is_one_environment_whoever_writes_it_how(key: str, text: str) -> None:
    assert read_key(f"env:{key}").fits(spelled(alert(env=text)))
    assert not read_key(f"env:{key}").fits(spelled(alert(env="staging"))) or key == "*"


@pytest.mark.parametrize(
    ("key", "fields", "fits"),
    [
        ("env:prod-eu1", {"env": "prod-eu1"}, True),
        ("env:prod-eu1", {"env": "prod-eu2"}, False),
        ("env:blue", {"env": "Blue"}, True),
        ("env:staging", {"env": "stg"}, True),
        ("env:stage", {"env": "staging"}, True),
        ("env:", {}, True),
        ("env:", {"env": "prod"}, False),
        ("env:*", {}, True),
        ("sev:warning", {"severity": "medium"}, True),
        ("sev:medium", {"severity": "WARN"}, True),
        ("sev:p1", {"severity": "disaster"}, True),
        ("sev:crit*", {"severity": "page"}, True),
        ("sev:info", {"severity": "notice"}, True),
        ("sev:error", {"severity": "warning"}, False),
        ("cat:db", {"category": "database"}, True),
        ("cat:database", {"category": "DB"}, True),
        ("cat:mem", {"category": "memory"}, True),
        ("cat:disk_full", {"category": "Disk full"}, True),
        ("cat:disk-*", {"category": "disk full"}, True),
        ("cat:cpu", {"category": "memory"}, False),
    ],
)
def test_a_key_and_an_alert_meet_in_one_spelling(
    key: str, fields: dict[str, Any], fits: bool
) -> None:
    assert read_key(key).fits(spelled(alert(**fields))) is fits


def test_an_environment_that_the_policy_declares_is_known_to_the_keys() -> None:
    declared = Environments.of({"rot": ["blau"]})
    sop = json.dumps({"sop_id": "a", "keys": ["env:rot"]})
    library = SopLibrary.load([("sops.jsonl", sop)], declared)
    assert library.match(alert(env="blau"), "k") is library.get("a")
    assert library.match(alert(env="gelb"), "k") is None


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("sev:hgih", "can never match: a severity is one of critical, high, medium, low"),
        ("sev:", "can never match"),
        ("env:pr\u043ed", "can never match: an environment is written in a-z 0-9 . _ -"),
        ("env:prod eu", "can never match"),
        ("env:prod/eu", "can never match"),
    ],
)
@pytest.mark.parametrize("place", ["keys", "when"])
def test_a_key_that_can_never_match_is_named_by_file_line_and_field(
    place: str, key: str, says: str
) -> None:
    fields = {"keys": [key]} if place == "keys" else {"actions": [{"action": "x", "when": key}]}
    text = '{"sop_id": "a"}\n' + json.dumps({"sop_id": "b"} | fields)
    [problem] = SopLibrary.load([("dir/sops.jsonl", text)]).problems
    where = "keys" if place == "keys" else "actions.0.when"
    assert str(problem).startswith(f"dir/sops.jsonl:2: {where}: key ")
    assert says in problem.reason


@pytest.mark.parametrize("text", ["prod", "production", "PROD", " Production "])
def test_incident_keys_stay_as_they_were(text: str) -> None:
    result = alert("high", env=text, category="cpu")
    key = incident_key_of(result.env, result.service, result.category, result.severity)
    assert key == "prod|web|cpu|high"
    assert sop_id_of(key) == "sop_e3389dc114b9"


@pytest.mark.parametrize(
    ("env", "key"),
    [
        ("live", "live|web|cpu|high"),
        ("stg", "staging|web|cpu|high"),
        ("prod-eu1", "prod_eu1|web|cpu|high"),
        ("", "-|web|cpu|high"),
    ],
)
def test_other_spellings_change_what_is_matched_and_not_the_key(env: str, key: str) -> None:
    result = alert("high", env=env, category="cpu")
    assert incident_key_of(result.env, result.service, result.category, severity_of("high")) == key
