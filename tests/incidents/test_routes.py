"""The policy's routes: which channel an alert's card goes to, and which routes are mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import InputError
from bot.incidents.environments import DEFAULT
from bot.incidents.model import Severity
from bot.incidents.routes import channel_of
from bot.policy import parse_policy
from tests.helpers.builders import alert


def routed(matches: list[str], **fields: Any) -> str:
    """Return the channel for an alert by routes with these matches: C0ROUTE000, C0ROUTE001 …"""
    policy = parse_policy(_text(matches), file="policy.yaml")
    return channel_of(policy.ingest.routes, alert(**fields), policy.remediate.declared)


def refused(matches: list[str]) -> str:
    with pytest.raises(InputError) as caught:
        parse_policy(_text(matches), file="policy.yaml")
    return caught.value.message


def _text(matches: list[str]) -> str:
    routes = [f"    - {{match: {m}, channel: C0ROUTE{n:03}}}\n" for n, m in enumerate(matches)]
    return "ingest:\n  routes:\n" + "".join(routes)


@pytest.mark.parametrize(
    ("match", "fields"),
    [
        ("{service: checkout-*}", {"service": "Checkout-API"}),
        ("{service: [cart, checkout-api]}", {"service": "checkout-api"}),
        ("{env: prod}", {"env": "production"}),
        ("{env: 'PROD*'}", {"env": "live"}),
        ("{env: production}", {"env": "prod-eu-1"}),
        ("{env: unknown}", {"env": ""}),
        ("{env: unknown}", {"env": "no such place"}),
        ("{severity: critical}", {"severity": Severity.CRITICAL}),
        ("{severity: page}", {"severity": Severity.CRITICAL}),
        ("{severity: [critical, high]}", {"severity": Severity.HIGH}),
        ("{category: mem}", {"category": "memory"}),
        ("{region: eu-*}", {"region": "eu-west-1"}),
        ("{name: '*Down'}", {"name": "TargetDown"}),
        ("{source: sentry}", {"source": "sentry"}),
        ("{label.team: shop}", {"labels": {"team": "Shop"}}),
        ("{label.team: '*'}", {"labels": {"team": ""}}),
        ("{label.app.kubernetes.io/name: web}", {"labels": {"app.kubernetes.io/name": "web"}}),
        ("{service: web, label.team: shop}", {"service": "web", "labels": {"team": "shop"}}),
    ],
)
def test_a_route_matches_an_alert_in_every_spelling(match: str, fields: dict[str, Any]) -> None:
    assert routed([match], **fields) == "C0ROUTE000"


@pytest.mark.parametrize(
    ("match", "fields"),
    [
        ("{service: checkout-*}", {"service": "checkout"}),
        ("{service: '*-api'}", {"service": "checkout-api-2"}),
        ("{env: prod}", {"env": "prеprod"}),  # with a Cyrillic letter: unknown
        ("{env: prod}", {"env": "preprod"}),
        ("{severity: critical}", {"severity": Severity.HIGH}),
        ("{source: sentry}", {"source": "sentry-2"}),
        ("{label.team: '*'}", {"labels": {"teams": "shop"}}),
        ("{service: web, label.team: shop}", {"service": "web", "labels": {"team": "db"}}),
        ("{service: web, label.team: shop}", {"service": "api", "labels": {"team": "shop"}}),
        ("{service: web, env: prod}", {"service": "web", "env": "staging"}),
    ],
)
def test_a_route_does_not_match_unless_every_key_does(match: str, fields: dict[str, Any]) -> None:
    assert routed([match], **fields) == ""


def test_the_first_route_that_matches_decides() -> None:
    matches = ["{service: web, severity: critical}", "{service: web}", "{service: 'w*'}"]
    assert routed(matches, service="web", severity=Severity.CRITICAL) == "C0ROUTE000"
    assert routed(matches, service="web", severity=Severity.LOW) == "C0ROUTE001"
    assert routed(matches, service="wiki") == "C0ROUTE002"
    assert routed(matches, service="cart") == ""


@pytest.mark.parametrize(
    ("match", "problem"),
    [
        ("{env: prodd}", "policy.yaml:3: ingest.routes.0.match.env: no declared environment is"),
        ("{env: 'prод'}", "can never match: an environment is written in a-z"),
        ("{severity: sever}", "can never match: a severity is one of critical, high"),
        ("{sevice: web}", "not a key of a matcher; known: service, env"),
        ("{label.: web}", "not a key of a matcher"),
        ("{service: []}", "ingest.routes.0.match.service: is empty"),
        ("{service: ' '}", "must not be empty"),
        ("{label.shard: 1}", "ingest.routes.0.match.label.shard: must be a list"),
        ("{}", "ingest.routes.0.match: is empty"),
    ],
)
def test_a_route_that_no_alert_can_match_is_an_error(match: str, problem: str) -> None:
    assert problem in refused([match])


def test_a_channel_by_name_is_an_error() -> None:
    with pytest.raises(InputError, match=r"policy.yaml:2: .*channel: must be a channel id such as"):
        parse_policy(
            'ingest:\n  routes: [{match: {env: prod}, channel: "#shop"}]', file="policy.yaml"
        )


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("{service: web}", "{service: web, env: prod}"),
        ("{service: '*'}", "{service: web}"),
        ("{severity: [critical, high]}", "{severity: high}"),
        ("{label.team: shop}", "{label.team: SHOP}"),
    ],
)
def test_a_route_below_one_that_matches_the_same_alerts_is_an_error(
    earlier: str, later: str
) -> None:
    problem = "policy.yaml:4: ingest.routes.1: can never decide: route 0 above it matches the same"
    assert problem in refused([earlier, later])


def test_a_narrow_route_may_stand_above_a_wide_one() -> None:
    matches = ["{service: web, env: prod}", "{service: web}"]
    assert routed(matches, service="web", env="prod") == "C0ROUTE000"
    assert routed(matches, service="web", env="staging") == "C0ROUTE001"


def test_without_a_route_the_delivery_decides() -> None:
    assert channel_of((), alert(), DEFAULT) == ""
