"""A step of an answer is an action only by fixed rules, and its target never the model's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.remediation.catalogue import CATALOGUE
from bot.remediation.suggestions import match_step

KNOWN = {"checkout-api": "alert: service", "web-1": "alert: pod"}
DEFAULT = ("checkout-api", "alert: service")
ACTIONS = tuple(CATALOGUE.values())


def matched(step: str) -> tuple[str, str, str] | None:
    suggestion = match_step(step, ACTIONS, KNOWN, DEFAULT)
    return suggestion and (suggestion.action.id, suggestion.target, suggestion.named)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("Restart checkout-api", ("service.restart", "checkout-api", "")),
        ("restart the service", ("service.restart", "checkout-api", "")),
        ("1. Restart it.", ("service.restart", "checkout-api", "")),
        ("**Restart** `checkout-api` gracefully.", ("service.restart", "checkout-api", "")),
        ("Then bounce the web-1 pod, and look again", ("service.restart", "web-1", "")),
        ("Please reboot web-1 after a snapshot.", ("service.restart", "web-1", "")),
        ("Consider restarting checkout-api", ("service.restart", "checkout-api", "")),
        ("You should stop checkout-api if the queue grows", ("service.stop", "checkout-api", "")),
        ("Start the failing service. It was stopped at 3.", ("service.start", "checkout-api", "")),
        # Only the model names it: a person has to.
        ("Restart payments-db", ("service.restart", "", "payments-db")),
        ("Stop ledger to save the disk", ("service.stop", "", "ledger")),
        ("Restart sopbot", ("service.restart", "", "sopbot")),
        # No action, another one, or several.
        ("Do not restart checkout-api", None),
        ("Never stop checkout-api", None),
        ("Avoid restarting checkout-api", None),
        ("Restart checkout-api rather than web-1", None),
        ("Look at the restarts of checkout-api", None),
        ("Check whether a restart helped", None),
        ("Stop and start checkout-api", None),
        ("Stop the rollout of release 4.2", None),
        ("Start profiling", None),
        ("Start over", None),
        ("Stop writing to the queue", None),
        ("Restart checkout-api web-1", None),
        ("Scale checkout-api to 4 replicas", None),
        ("service.restart checkout-api", None),
        ("Restart; rm -rf /", ("service.restart", "checkout-api", "")),
        ("", None),
    ],
)
def test_a_step_is_matched_by_its_verb_and_its_object(step: str, expected: object) -> None:
    assert matched(step) == expected


def test_without_a_service_and_a_name_a_person_has_to_name_the_target() -> None:
    suggestion = match_step("Restart it", ACTIONS, {}, None)
    assert suggestion is not None
    assert (suggestion.target, suggestion.named) == ("", "")


@pytest.mark.attack("ASI02")
@given(st.text(max_size=120))
def test_no_text_of_a_model_becomes_a_target(text: str) -> None:
    for step in (text, f"Restart {text}", f"Stop the {text} service"):
        suggestion = match_step(step, ACTIONS, KNOWN, DEFAULT)
        assert suggestion is None or suggestion.target in {"", *KNOWN}


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    "name",
    [
        *(f"app{hyphen}web-1" for hyphen in "\u2010\u2011\u2012\u2013\u2212\u00ad\u200b@=+:#~"),
        *("\u652f\u4ed8-web-1", "\u00fcber.web-1", "a/web-1", "service\u2011web-1", "web-1\u200d"),
    ],
)
def test_a_part_of_another_name_is_no_target(name: str) -> None:
    assert matched(f"Restart {name}") is None
    assert matched(f"Restart the {name} service") is None


@pytest.mark.parametrize(
    "name", ["\u201cweb-1\u201d", "pod/web-1", "**web-1**.", "web-1:", "web-1\u2014it leaks"]
)
def test_marks_around_a_name_are_no_part_of_it(name: str) -> None:
    assert matched(f"Restart {name}") == ("service.restart", "web-1", "")
