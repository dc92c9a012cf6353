"""A host or a word of a title may be called as a service is; most are called as many things are."""

from __future__ import annotations

import pytest

from bot.incidents.subject import Scope
from bot.incidents.suggested_names import suggested_name, suggesting


def scope(service: str, place: str = "", env: str = "production") -> Scope:
    return Scope(env, "-", service, "availability", place)


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("host checkout-api", "checkout_api"),
        ("host checkout", "checkout"),
        ("checkout_api?alertmanager", "checkout_api"),
        ("checkout?alertmanager", ""),
        ("checkout_api??alertmanager", ""),
        ("host web", ""),
        ("host www", ""),
        ("host backend", ""),
        ("host postgres", ""),
        ("host 10.0.0.7", ""),
        ("host redis-exporter", ""),
        ("checkout_api", ""),
        ("workload checkout-api", ""),
        ("-", ""),
    ],
)
def test_only_a_host_or_a_guess_that_could_be_a_name_suggests_it(service: str, name: str) -> None:
    assert suggested_name(scope(service)) == name


@pytest.mark.parametrize(
    ("env", "domain", "suggests"),
    [
        ("production", "example.com", True),
        ("production", "prod.example.com", True),
        ("production", "staging.example.com", False),
        ("production", "eu.shop-staging.example.com", False),
        ("staging", "stg.example.com", True),
        ("-", "staging.example.com", False),
        ("-", "example.com", True),
    ],
)
def test_a_host_of_another_environment_suggests_nothing(
    env: str, domain: str, suggests: bool
) -> None:
    host = scope("host checkout-api", place=f"||{domain}", env=env)
    assert bool(suggested_name(host)) is suggests


def test_what_names_a_service_is_found_by_what_suggests_it() -> None:
    suggestions = suggesting(scope("checkout_api"))
    assert suggestions is not None
    assert suggestions.host == "host checkout-api"
    assert "checkout_api?alertmanager".startswith(suggestions.guess)
    assert suggesting(scope("host checkout-api")) is None
    assert suggesting(scope("checkout_api?alertmanager")) is None
