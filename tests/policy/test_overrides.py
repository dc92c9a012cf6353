"""Overrides: other values for some services, regions or environments."""

from __future__ import annotations

import pytest

from bot.errors import InputError
from bot.incidents.subject import Scope
from bot.policy import Policy, parse_policy
from bot.policy.model import MOST_COMBINATIONS, MOST_SCOPES

SHOP = """
correlate: {stale_after_hours: 2, reopen_within_seconds: 900}
overrides:
  - name: slow-shop
    match: {service: "shop-*", env: live}
    correlate: {reopen_within_seconds: 60, stale_after_hours: 5}
    features: {cascades: false}
  - name: europe
    match: {region: ["eu-*", "EU"]}
    correlate: {reopen_within_seconds: 7, flapping_window_seconds: 60}
    notify: {unanswered_seconds: 30}
  - name: never
    match: {service: sandbox}
    correlate: {stale_after_hours: 0, reopen_within_seconds: 0}
    notify: {unanswered_seconds: 0}
"""


def scope(service: str, env: str = "production", region: str = "-") -> Scope:
    return Scope(env, region, service, "cpu")


def parse(text: str) -> Policy:
    return parse_policy(text, file="policy.yaml")


@pytest.mark.parametrize(
    ("where", "reopen", "by"),
    [
        (scope("shop_api"), 60, "slow-shop"),
        (scope("shop_api?slack"), 60, "slow-shop"),  # a guess
        (scope("shop"), 900, ""),
        (scope("shop_api", env="development"), 900, ""),
        (scope("shop_api", env="-"), 900, ""),
        (scope("web", region="eu_west_1"), 7, "europe"),
        (scope("web", region="us_east_1"), 900, ""),
        (scope("shop_api", region="eu_west_1"), 60, "slow-shop"),  # the first one decides
    ],
)
def test_the_first_override_that_matches_and_has_the_key_decides(
    where: Scope, reopen: int, by: str
) -> None:
    policy = parse(SHOP)
    assert policy.for_scope(where).correlate.reopen_within_seconds == reopen
    assert policy.decided_by(where, "correlate", "reopen_within_seconds") == by


def test_keys_of_several_overrides_come_together() -> None:
    both = parse(SHOP).for_scope(scope("shop_api", region="eu_west_1"))
    assert (both.correlate.stale_after_hours, both.correlate.flapping_window_seconds) == (5, 60)
    assert both.notify.unanswered_seconds == 30
    assert not both.features.cascades


def test_a_policy_without_a_matching_override_is_itself_and_others_are_made_once() -> None:
    policy = parse(SHOP)
    assert policy.for_scope(scope("web")) is policy
    assert policy.for_scope(scope("shop_a")) is policy.for_scope(scope("shop_b"))


def test_an_undeclared_environment_is_matched_by_unknown() -> None:
    text = "overrides: [{name: a, match: {env: unknown}, notify: {unanswered_seconds: 1}}]"
    policy = parse(text)
    seconds = [
        policy.for_scope(scope("web", env=env)).notify.unanswered_seconds
        for env in ("-", "moon", "production")
    ]
    assert seconds == [1, 1, 300]


@pytest.mark.attack("ASI08")
def test_names_that_a_sender_makes_up_fill_no_memory() -> None:
    overrides = ", ".join(
        f"{{name: o{at}, match: {{service: '*{at:02}*'}}, notify: {{unanswered_seconds: {at}}}}}"
        for at in range(12)
    )
    policy = parse(f"overrides: [{overrides}]")
    for number in range(2**12):
        name = "-".join(f"{at:02}" for at in range(12) if number >> at & 1)
        policy.for_scope(scope(f"x{name}"))
    assert len(policy._by_overrides) <= MOST_COMBINATIONS
    assert len(policy._matching) <= MOST_SCOPES


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        (
            "{name: a, match: {service: x}}",
            "overrides.0: changes nothing; it may have features, correlate, notify, llm",
        ),
        (
            "{name: a, match: {}, notify: {unanswered_seconds: 1}}",
            "overrides.0.match: is empty",
        ),
        (
            "{name: a, match: {label.team: x}, notify: {unanswered_seconds: 1}}",
            "overrides.0.match.label.team: must be 'service', 'region' or 'env'",
        ),
        (
            "{name: a, match: {env: prodd}, notify: {unanswered_seconds: 1}}",
            (
                "overrides.0.match.env: no declared environment is 'prodd', so it can never match;"
                " declare it under remediate.environments"
            ),
        ),
        (
            "{name: a, match: {service: x}, correlate: {stale_after_hours: 0.01}}",
            "overrides.0.correlate.stale_after_hours: must be 0 (never), or at least 0.1",
        ),
        (
            "{name: a, match: {service: x}, correlate: {depends_on: {}}}",
            "overrides.0.correlate.depends_on: not a known key",
        ),
        (
            "{name: a, match: {service: x}, notify: {unanswered_second: 1}}",
            (
                "overrides.0.notify.unanswered_second: not a known key; did you mean"
                " unanswered_seconds?"
            ),
        ),
    ],
)
def test_a_mistake_in_an_override_is_named(override: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(f"overrides:\n  - {override}")
    assert caught.value.message.startswith(f"policy.yaml:2: {problem}")


@pytest.mark.attack("ASI03")
def test_an_override_cannot_say_who_approves() -> None:
    """The sender of an alert chooses its service, and so which overrides match."""
    with pytest.raises(InputError, match=r"overrides\.0\.remediate: not a known key"):
        parse("overrides: [{name: a, match: {service: x}, remediate: {approvers: [U0EVIL]}}]")


def test_two_overrides_need_two_names() -> None:
    item = "{name: a, match: {service: x}, notify: {unanswered_seconds: 1}}"
    with pytest.raises(InputError, match=r"overrides\.1\.name: 'a' is the name of another one"):
        parse(f"overrides: [{item}, {item}]")
