"""The origin of each value of a proposal, and the digest that binds a run to the card."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.errors import InputError
from bot.incidents.environments import DEFAULT
from bot.incidents.model import Alert, AlertStatus
from bot.incidents.services import NO_SERVICES
from bot.incidents.sops import ProposedAction, Sop
from bot.remediation import catalogue
from bot.response.proposal_parts import is_seen, no_target, offered, values_from
from tests.helpers.models import incident

NOW = datetime(2026, 11, 21, 3, 4, tzinfo=UTC)
ALERT = Alert(
    source="t",
    status=AlertStatus.FIRING,
    name="Down",
    title="down",
    service="checkout-api",
    category="availability",
    env="prod",
    fingerprint="f",
)


def sop(*actions):
    return Sop(sop_id="sop_x", actions=tuple(ProposedAction(**action) for action in actions))


def test_a_template_is_from_the_alert_and_a_plain_value_from_the_sop():
    procedure = sop(
        {
            "action": "service.restart",
            "parameters": {"target": "{{service_name}}", "grace_seconds": 5},
        }
    )
    values = values_from(procedure, procedure.actions[0], ALERT, NOW)
    assert values == {
        "target": ("checkout-api", "alert: service"),
        "grace_seconds": (5, "SOP sop_x"),
    }


def test_an_action_is_offered_only_when_its_condition_fits():
    procedure = sop(
        {"action": "service.restart", "when": "cat:availability"},
        {"action": "service.restart", "when": "cat:cpu"},
        {"action": "service.restart"},
    )
    assert [place for place, _ in offered(procedure, ALERT, DEFAULT, NO_SERVICES)] == [0, 2]


def test_hostile_alert_text_cannot_become_a_target():
    for name in ("web; rm -rf /", "../etc", "web\nother", "$(id)", "-rf", ""):
        with pytest.raises(InputError) as refused:
            catalogue.propose("service.restart", {"target": (name, "alert: service")})
        assert refused.value.field == "target"


def test_a_name_that_is_no_target_is_answered_with_the_first_few_that_are():
    many = tuple(f"service-{number:02}" for number in range(14))
    result = str(no_target("nosuch", many))
    assert result.startswith(
        "The gateway has no target nosuch. Known targets: service-00, service-01, "
    )
    assert result.endswith("service-09 and 4 more.")


@pytest.mark.parametrize(
    ("service", "labels", "expected"),
    [
        ("web-1", {}, True),
        ("shop", {"pod": "web-1"}, True),
        ("shop", {"note": "web-1"}, False),
        ("shop", {}, False),
    ],
    ids=["as service", "in a label for targets", "in another label", "nowhere"],
)
def test_a_target_is_seen_only_as_the_service_or_in_a_label_for_targets(service, labels, expected):
    other = incident(service="shop", labels={})
    assert is_seen("web-1", other, replace(ALERT, service=service, labels=labels)) is expected
    assert is_seen("web-1", incident(service=service, labels=labels), None) is expected
