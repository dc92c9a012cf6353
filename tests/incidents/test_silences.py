"""The typed forms of a silence, and the alerts that it covers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import InputError
from bot.incidents.environments import DEFAULT
from bot.incidents.silences import (
    LONGEST_REASON,
    checked_matcher,
    find_silence,
    match_of,
    parse_silence,
)
from bot.incidents.subject import Subject
from tests.helpers.builders import alert
from tests.helpers.models import incident
from tests.helpers.silences import silence


@pytest.mark.parametrize(
    ("text", "match", "minutes", "reason"),
    [
        (
            "service=checkout-api env=prod 2h why",
            {"service": "checkout-api", "env": "prod"},
            120,
            "why",
        ),
        ("checkout-api 30m deploy of v3", {"service": "checkout-api"}, 30, "deploy of v3"),
        ("Service: web 2 hours it is known", {"service": "web"}, 120, "it is known"),
        ("service=web 1d2h3m x", {"service": "web"}, 1563, "x"),
        ("service=web 2H x", {"service": "web"}, 120, "x"),
        ("label.Pod=web-* 90 min 3 more moves", {"label.Pod": "web-*"}, 90, "3 more moves"),
        ("name=“Disk is full” 2h x", {"name": "Disk is full"}, 120, "x"),
        ('service="a b",c 2h x', {"service": "a b"}, None, ""),
        (
            "env=prod,staging severity=low 2h x",
            {"env": "prod,staging", "severity": "low"},
            120,
            "x",
        ),
        (
            "env=prod env=staging service=a 2h env=x",
            {"env": "prod,staging", "service": "a"},
            120,
            "env=x",
        ),
    ],
)
def test_a_silence_is_typed_as_a_person_types_it(
    text: str, match: dict[str, str], minutes: int | None, reason: str
) -> None:
    if minutes is None:
        with pytest.raises(InputError):
            parse_silence(text)
        return
    request = parse_silence(text)
    assert request.match == {name: tuple(globs.split(",")) for name, globs in match.items()}
    assert (request.length, request.reason) == (timedelta(minutes=minutes), reason)


def test_an_incident_stands_for_its_service_and_environment() -> None:
    request = parse_silence("inc-7 2h known")
    assert (request.incident_id, request.match) == (7, {})
    match = match_of(incident(env="live", service="web"), DEFAULT)
    matcher = checked_matcher(match, DEFAULT)
    kept = replace(silence(), matcher=matcher)
    assert find_silence([kept], alert(env="prod", service="web"), DEFAULT) is kept
    assert find_silence([kept], alert(env="staging", service="web"), DEFAULT) is None
    unknown = replace(
        silence(), matcher=checked_matcher(match_of(incident(env="x"), DEFAULT), DEFAULT)
    )
    assert find_silence([unknown], alert(env="prod", service="web"), DEFAULT) is None


def test_a_matcher_may_use_the_name_that_the_catalogue_gives_the_service() -> None:
    kept = silence(service="checkout-api")
    item = alert(service="Kasse prod")
    assert find_silence([kept], item, DEFAULT) is None
    assert find_silence([kept], item, DEFAULT, Subject(service="checkout-api")) is kept
    by_sender = silence(service="kasse *")
    assert find_silence([by_sender], item, DEFAULT, Subject(service="checkout-api")) is by_sender


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Silence what"),
        ("2h why", "Silence what"),
        ("service=web", "For how long"),
        ("service=web why not", "duration comes after"),
        ("web prod 2h x", "duration comes after"),
        ("service=web 2h", "Why"),
        ("service=web 2x x", "duration comes after"),
        ("x" * 5000, "too long"),
    ],
)
def test_an_incomplete_silence_is_refused_with_an_example(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as refusal:
        parse_silence(text)
    assert "silence service=checkout-api" in str(refusal.value) or "reason" in str(refusal.value)


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    "match",
    [
        {"service": ["*"]},
        {"service": ["**"], "env": ["*"]},
        {"severity": ["critical"]},
        {"severity": ["*"], "name": ["*"]},
        {"service": ["web", "*"]},
        {"name": ["*e*"]},
        {"label.pod": ["*-*"]},
        {"env": ["p*"]},
        {"env": ["??*"]},
    ],
)
def test_a_silence_of_almost_everything_is_refused(match: dict[str, list[str]]) -> None:
    with pytest.raises(InputError, match="almost everything"):
        checked_matcher(match, DEFAULT)


@pytest.mark.parametrize(
    ("match", "why"),
    [
        ({"sevice": ["web"]}, "not a key of a matcher"),
        ({"pod": ["web"]}, "not a key of a matcher"),
        ({"service": [""]}, "must not be empty"),
        ({"service": ["x" * 201]}, "200"),
        ({"env": ["prd-eu"]}, "No environment is named"),
        ({"severity": ["very"], "service": ["web"]}, "can never match"),
    ],
)
def test_a_matcher_that_no_alert_can_match_is_refused(
    match: dict[str, list[str]], why: str
) -> None:
    with pytest.raises(InputError, match=why):
        checked_matcher(match, DEFAULT)


@pytest.mark.attack("ASI01")
def test_a_service_that_the_sender_named_with_a_wildcard_silences_nothing_else() -> None:
    with pytest.raises(InputError, match=r"has a \*"):
        match_of(incident(service="pay*"), DEFAULT)
    with pytest.raises(InputError, match="names no service"):
        match_of(incident(service="  "), DEFAULT)


@pytest.mark.attack("ASI09")
def test_a_long_reason_is_cut() -> None:
    assert len(parse_silence("web 2h " + "x" * 900).reason) == LONGEST_REASON
