"""Correlation: the rules that pick the incident of an alert, in their order, and its scope."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incidents.correlation import (
    Candidate,
    Decision,
    IdentifiedAlert,
    Verdict,
    decide,
    key_of,
)
from bot.incidents.environments import DEFAULT
from bot.incidents.keys import incident_key_of, sop_id_of
from bot.incidents.model import Alert, AlertStatus, Severity
from bot.incidents.services import NO_SERVICES
from bot.incidents.subject import Scope, scope_of
from bot.incidents.subject_reader import subject_of

FINGERPRINT, SCOPE, SOP = (
    "same fingerprint",
    "same env, service and category",
    "same SOP ID, env and service",
)
OURS = Scope("production", "-", "web", "cpu")


def alert(**changes: Any) -> Alert:
    fields: dict[str, Any] = {
        "source": "test",
        "status": AlertStatus.FIRING,
        "name": "HighCpu",
        "title": "CPU",
        "env": "prod",
        "service": "web",
        "category": "cpu",
        "fingerprint": "fp",
    }
    return Alert(**{**fields, **changes})


def named(item: Alert, sop_id: str = "ours") -> IdentifiedAlert:
    return IdentifiedAlert(
        alert=item,
        scope=scope(item),
        incident_key="k",
        sop_id=sop_id,
        tracking_id="t",
        dedup_key="d",
        sop_matched=True,
    )


def scope(item: Alert) -> Scope:
    return scope_of(item, subject_of(item, DEFAULT, NO_SERVICES), DEFAULT)


def candidate(
    number: int, *, scope: Scope = OURS, sop_id: str = "other", fires: bool = False
) -> Candidate:
    return Candidate(number, sop_id, scope, fires)


LATENCY = Scope("production", "-", "web", "latency")
API = Scope("production", "-", "api", "cpu")
TEST = Scope("test", "-", "web", "cpu")


@pytest.mark.parametrize(
    ("candidates", "joins", "reason"),
    [
        ([candidate(1, scope=API, fires=True)], 1, FINGERPRINT),
        ([candidate(1)], 1, SCOPE),
        ([candidate(1, scope=LATENCY, sop_id="ours")], 1, SOP),
        ([candidate(1), candidate(2, scope=API, fires=True)], 2, FINGERPRINT),
        ([candidate(1, scope=LATENCY, sop_id="ours"), candidate(2)], 2, SCOPE),
        ([candidate(3), candidate(4)], 3, SCOPE),
        (
            [
                candidate(3, scope=LATENCY, sop_id="ours"),
                candidate(4, scope=LATENCY, sop_id="ours"),
            ],
            3,
            SOP,
        ),
    ],
    ids=[
        "a fingerprint alone is enough",
        "so is the scope",
        "so is the SOP with env and service",
        "the fingerprint comes before the scope",
        "the scope comes before the SOP",
        "of equals the first",
        "of equals the first, by SOP too",
    ],
)
@pytest.mark.parametrize("status", AlertStatus)
def test_an_alert_joins_by_the_first_rule_that_holds(
    candidates: list[Candidate], joins: int, reason: str, status: AlertStatus
) -> None:
    decision = decide(named(alert(status=status)), candidates)
    assert decision == Decision(Verdict.JOIN, joins, reason)


@pytest.mark.parametrize(
    "candidates",
    [
        [],
        [candidate(1, scope=LATENCY)],
        [candidate(1, scope=API, sop_id="ours")],
        [candidate(1, scope=TEST, sop_id="ours")],
    ],
    ids=["none", "another category", "another service", "another env"],
)
def test_without_a_match_firing_opens_and_resolved_closes_nothing(
    candidates: list[Candidate],
) -> None:
    assert decide(named(alert()), candidates).verdict is Verdict.OPEN
    late = decide(named(alert(status=AlertStatus.RESOLVED)), candidates)
    assert (late.verdict, late.incident_id) == (Verdict.KEEP, None)
    assert late.reason


SCOPES = st.builds(
    Scope,
    st.sampled_from(["production", "test"]),
    st.just("-"),
    st.sampled_from(["web", "api"]),
    st.just("cpu"),
)
CANDIDATES = st.lists(
    st.builds(
        Candidate, st.integers(1, 99), st.sampled_from(["ours", "other"]), SCOPES, st.booleans()
    ),
    max_size=6,
)


@given(CANDIDATES)
def test_a_decision_names_a_candidate_exactly_when_it_joins(candidates: list[Candidate]) -> None:
    decision = decide(named(alert()), iter(candidates))
    if decision.verdict is Verdict.JOIN:
        assert decision.incident_id in [item.id for item in candidates]
    else:
        assert decision.incident_id is None
        assert not any(item.fires_fingerprint or item.scope == OURS for item in candidates)


# Scope and identity


def test_a_scope_does_not_know_case_white_space_or_dashes() -> None:
    assert scope(alert(env=" PROD", service="check-out", category="C PU")) == Scope(
        "production", "-", "check_out", "c_pu"
    )


def test_without_a_service_the_alerts_fingerprint_keeps_it_apart() -> None:
    assert scope(alert(service="")).service == "highcpu fp"
    assert scope(alert(service="", fingerprint="other")) != scope(alert(service=""))


def test_without_a_category_the_alerts_name_is_used() -> None:
    assert scope(alert(category="")).category == "highcpu"


def test_the_severity_is_no_part_of_a_scope_but_is_of_the_key() -> None:
    low, high = alert(severity=Severity.LOW), alert(severity=Severity.HIGH)
    assert scope(low) == scope(high)
    assert key_of(low) == "prod|web|cpu|low"
    assert key_of(high) == "prod|web|cpu|high"


def test_a_callers_incident_key_is_kept_as_it_is() -> None:
    item = alert(incident_key="sdn5_cpu_high")
    assert key_of(item) == "sdn5_cpu_high"


def test_the_key_of_an_empty_part_is_a_dash_and_its_sop_id_is_that_of_the_contract() -> None:
    item = alert(env="", service="web", category="cpu", severity=Severity.HIGH)
    assert key_of(item) == incident_key_of("", "web", "cpu", "high")
    assert key_of(item) == "-|web|cpu|high"
    assert sop_id_of("-|web|cpu|high") == "sop_9cb108eb6fac"
