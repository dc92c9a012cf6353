"""The policy's requirements: the first rule that fits decides, and the defaults are strict."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.approvals.rules import PolicyInput, demand
from bot.approvals.segment import Remediate
from bot.incidents.remediation import Risk, risk_of
from tests.helpers.policies import BEN, SRE, policy


def case(**changes: Any) -> PolicyInput:
    given_: dict[str, Any] = {
        "action_id": "service.restart",
        "risk": "medium",
        "environment": "prod",
        "alert_environment": "",
        "targets": 1,
        "seen": True,
        "fits": True,
        "asked_by": "",
    }
    return PolicyInput(**{**given_, **changes})


def test_without_rules_the_segments_own_keys_decide() -> None:
    requirements = demand(policy(approvals_required=2, approval_ttl_seconds=60), case())
    assert (requirements.approvers, requirements.needed, requirements.ttl) == (
        (BEN,),
        2,
        timedelta(seconds=60),
    )
    assert not requirements.reason_required
    assert not requirements.only_in_windows


def test_an_empty_policy_lets_nobody_approve() -> None:
    assert demand(Remediate(), case()).approvers == ()


@pytest.mark.parametrize(
    ("rule", "changes", "fits"),
    [
        ({"risk_at_least": "high"}, {"risk": "medium"}, False),
        ({"risk_at_least": "high"}, {"risk": "high"}, True),
        ({"risk_at_least": "high"}, {"risk": "critical"}, True),
        ({"risk_at_least": "critical"}, {"risk": "nobody knows this one"}, True),
        ({"risk_at_least": "critical"}, {"risk": ""}, True),
        ({"environments": ["prod*"]}, {"environment": "PROD-eu"}, True),
        ({"environments": ["prod*"]}, {"environment": "staging"}, False),
        ({"actions": ["service.stop"]}, {}, False),
        ({"actions": ["service.*"]}, {}, True),
        ({"targets_at_least": 2}, {}, False),
        ({"targets_at_least": 2}, {"targets": 3}, True),
    ],
)
def test_a_rule_is_for_the_cases_it_names(
    rule: dict[str, Any], changes: dict[str, Any], fits: bool
) -> None:
    requirements = demand(policy(rules=[rule | {"approvals_required": 3}]), case(**changes))
    assert requirements.needed == (3 if fits else 1)


@pytest.mark.parametrize("nowhere", ["", "  ", "unknown", "Unknown"])
def test_an_environment_that_nobody_knows_is_in_every_rule_and_critical(nowhere: str) -> None:
    keys = {
        "rules": [{"environments": ["prod*"], "approvals_required": 3}],
        "critical_environments": ["prod*"],
    }
    requirements = demand(policy(**keys), case(environment=nowhere))
    assert (requirements.needed, requirements.ttl) == (3, timedelta(minutes=2))
    assert demand(policy(), case(environment=nowhere)).ttl == timedelta(minutes=15)


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize(
    "text", ["dev", "d\u0435v", "pr\u043ed", "pro\u200bd", "xprod", "qa", "unknown", "live", ""]
)
def test_an_alert_cannot_take_a_production_target_out_of_its_rule(text: str) -> None:
    rules = [{"environments": ["production"], "approvals_required": 2, "approvers": [SRE]}]
    keys = {"rules": rules, "auto_approve": ["*"], "critical_environments": ["prod"]}
    requirements = demand(policy(**keys), case(environment="production", alert_environment=text))
    assert (requirements.needed, requirements.approvers, requirements.ttl) == (
        2,
        (SRE,),
        timedelta(minutes=2),
    )


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("text", ["dev", "prod", "", "d\u0435v"])
@pytest.mark.parametrize("target", ["", "unknown", "qa7", "pr\u043ed"])
def test_without_an_environment_of_the_target_the_alert_cannot_choose_a_rule(
    target: str, text: str
) -> None:
    rules = [
        {"environments": ["dev"], "approvals_required": 1},
        {"environments": ["prod"], "approvals_required": 3},
    ]
    requirements = demand(
        policy(rules=rules, auto_approve=["*"]), case(environment=target, alert_environment=text)
    )
    assert requirements.needed == 3


@pytest.mark.attack("ASI03")
def test_where_the_alert_names_another_environment_the_stricter_of_both_holds() -> None:
    rules = [
        {"environments": ["dev"], "approvals_required": 1, "approvers": [BEN, SRE]},
        {"environments": ["prod"], "approvals_required": 2, "approvers": [SRE]},
    ]
    requirements = demand(policy(rules=rules), case(environment="dev", alert_environment="prod"))
    assert (requirements.needed, requirements.approvers) == (2, (SRE,))
    agree = demand(policy(rules=rules), case(environment="dev", alert_environment="development"))
    assert (agree.needed, agree.approvers) == (1, (BEN, SRE))
    silent = demand(policy(rules=rules), case(environment="dev"))
    assert (silent.needed, silent.approvers) == (1, (BEN, SRE))


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("glob", ["production", "prod", "PROD", "prod*", "live", "prd"])
@pytest.mark.parametrize("target", ["production", "prod", "live"])
def test_a_rule_is_for_an_environment_in_whatever_spelling(glob: str, target: str) -> None:
    rules = [{"environments": [glob], "approvals_required": 3}]
    assert demand(policy(rules=rules), case(environment=target)).needed == 3
    assert demand(policy(rules=rules), case(environment="dev")).needed == 1


def test_a_looser_rule_above_does_not_get_what_may_be_for_a_stricter_one() -> None:
    rules = [
        {"environments": ["dev*"], "approvals_required": 1, "approval_ttl_seconds": 600},
        {"environments": ["prod*"], "approvals_required": 2, "reason_required": True},
        {"approvals_required": 3, "only_in_windows": True, "approval_ttl_seconds": 60},
        {"approvals_required": 9},
    ]
    requirements = demand(policy(rules=rules), case(environment=""))
    assert (requirements.needed, requirements.reason_required, requirements.only_in_windows) == (
        3,
        True,
        True,
    )
    assert requirements.ttl == timedelta(seconds=60)
    assert demand(policy(rules=rules), case(environment="dev")).needed == 1


def test_in_an_unknown_environment_only_an_approver_of_whatever_it_may_be_counts() -> None:
    rules = [
        {"environments": ["dev*"], "approvers": ["U0DEV", BEN]},
        {"environments": ["prod*"], "approvers": [SRE, BEN]},
    ]
    assert demand(policy(rules=rules), case(environment="")).approvers == (BEN,)
    assert demand(policy(rules=rules[:1], approvers=[SRE]), case(environment="")).approvers == ()


def test_a_rule_for_the_unknown_environment_decides_alone() -> None:
    rules = [
        {"environments": ["unknown"], "approvers": [SRE]},
        {"environments": ["prod*"], "approvals_required": 3},
    ]
    requirements = demand(policy(rules=rules), case(environment=""))
    assert (requirements.approvers, requirements.needed) == ((SRE,), 1)
    assert demand(policy(rules=rules), case(environment="prod")).needed == 3


def test_a_number_of_targets_that_nobody_knows_is_enough_for_every_rule() -> None:
    keys = {"rules": [{"targets_at_least": 50, "approvals_required": 3}]}
    assert demand(policy(**keys), case(targets=None)).needed == 3
    assert demand(policy(**keys), case(targets=49)).needed == 1
    assert demand(policy(**keys, auto_approve=["*"]), case(targets=None)).needed == 3


def test_where_nothing_can_plan_the_rule_for_many_targets_names_the_approvers() -> None:
    rules = [{"targets_at_least": 2, "approvers": [SRE]}]
    assert demand(policy(rules=rules), case(targets=None)).approvers == (SRE,)


def test_the_first_rule_that_fits_decides_and_leaves_the_rest_to_the_segment() -> None:
    rules = [
        {"environments": ["dev"], "approvals_required": 1},
        {"risk_at_least": "medium", "approvers": [SRE], "reason_required": True},
        {"approvals_required": 9},
    ]
    requirements = demand(policy(rules=rules, approvals_required=2), case())
    assert (requirements.approvers, requirements.needed, requirements.reason_required) == (
        (SRE,),
        2,
        True,
    )


def test_a_rule_may_name_nobody() -> None:
    assert demand(policy(rules=[{"approvers": []}]), case()).approvers == ()


def test_a_two_person_action_needs_two_whatever_a_rule_says() -> None:
    keys = {"rules": [{"approvals_required": 1}], "two_person_actions": ["service.*"]}
    assert demand(policy(**keys), case()).needed == 2
    assert demand(policy(**keys, auto_approve=["*"]), case()).needed == 2


def test_an_approval_in_a_critical_environment_lives_two_minutes_at_most() -> None:
    keys = {"critical_environments": ["Prod"], "rules": [{"approval_ttl_seconds": 3600}]}
    assert demand(policy(**keys), case()).ttl == timedelta(minutes=2)
    assert demand(policy(**keys), case(environment="dev")).ttl == timedelta(hours=1)


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, 0),
        ({"seen": False}, 1),
        ({"fits": False}, 1),
        ({"alert_environment": "production"}, 0),
        ({"alert_environment": "dev"}, 1),
        ({"alert_environment": "d\u0435v"}, 1),
        ({"alert_environment": ""}, 1),
        ({"environment": ""}, 1),
        ({"environment": "qa7", "alert_environment": "qa7"}, 1),
        ({"environment": "", "alert_environment": ""}, 1),
        ({"asked_by": BEN}, 1),
        ({"action_id": "service.stop"}, 1),
    ],
)
def test_only_a_seen_target_in_the_alerts_environment_of_an_sops_own_action_needs_nobody(
    changes: dict[str, Any], needed: int
) -> None:
    result = case(**{"alert_environment": "prod", **changes})
    assert demand(policy(auto_approve=["service.restart"]), result).needed == needed


@pytest.mark.parametrize(
    ("rule", "needed"),
    [
        ({"approvals_required": 1}, 1),
        ({"approvals_required": 3}, 3),
        ({"reason_required": True}, 1),
        ({"only_in_windows": True}, 1),
        ({"approvers": [SRE]}, 1),
        ({"approvers": []}, 1),
        ({"approval_ttl_seconds": 60}, 0),
        ({"reason_required": False, "only_in_windows": False}, 0),
        ({"environments": ["dev"], "approvals_required": 3}, 0),
    ],
)
def test_auto_approve_gives_way_to_a_rule_that_fits_and_asks_for_people(
    rule: dict[str, Any], needed: int
) -> None:
    requirements = demand(policy(auto_approve=["*"], rules=[rule]), case(alert_environment="prod"))
    assert requirements.needed == needed


@pytest.mark.parametrize(
    "keys",
    [
        {"approvers": ["ben"]},
        {"approvers": ["@sre"]},
        {"approvals_required": 0},
        {"rules": [{"risk_at_least": "enormous"}]},
        {"rules": [{"approver": [BEN]}]},
        {"auto_aprove": ["*"]},
        {"rules": [{"environments": []}]},
        {"rules": [{"actions": []}]},
        {"rules": [{"environments": ["prod", " "]}]},
        {"critical_environments": [""]},
        {"critical_environments": ["pr\u043ed"]},
        {"rules": [{"environments": ["prod,dev"]}]},
        {"environments": {"a": ["b"], "b": []}},
        {"two_person_actions": [""]},
    ],
)
def test_what_is_misspelt_is_an_error_and_not_a_looser_rule(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        policy(**keys)


def test_whoever_is_an_approver_of_anything_is_named_once() -> None:
    rules = [{"approvers": [SRE, BEN]}, {"approvals_required": 2}, {"approvers": ["U0CAT"]}]
    assert policy(rules=rules).everybody_who_may_approve == (BEN, SRE, "U0CAT")
    assert policy(approvers=[], rules=rules[:1]).everybody_who_may_approve == (SRE, BEN)
    assert Remediate().everybody_who_may_approve == ()


@given(st.text())
def test_an_unknown_risk_is_the_highest(word: str) -> None:
    assert risk_of(word) in Risk
    if word not in set(Risk):
        assert risk_of(word) is Risk.CRITICAL
