"""policy.yaml: closed by default, and every mistake is named by file and key."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InputError
from bot.policy import Policy, parse_policy, parse_roles, read_policy
from bot.policy.profiles import PROFILES
from bot.remediation.catalogue import CATALOGUE, risk_in, unknown_actions

ROOT = Path(__file__).parents[1]


DAILY = "{start: '22:00', end: '06:00'}"
EVERY_SEVERITY = "[critical, high, medium, low]"


def refused(text: str) -> list[str]:
    """Return the problems of an unusable policy, one per line."""
    with pytest.raises(InputError) as caught:
        parse_policy(text, file="/etc/sopbot/policy.yaml")
    return caught.value.message.splitlines()


@pytest.mark.parametrize("text", ["", "# nothing yet", "---\n", "{}"])
def test_an_empty_policy_is_the_defaults_and_lets_nobody_approve(text: str) -> None:
    policy = parse_policy(text, file="policy.yaml")
    assert policy == Policy()
    assert policy.remediate.approvers == ()


def test_the_shipped_policy_is_the_defaults() -> None:
    text = (ROOT / "config" / "policy.yaml").read_text()
    assert parse_policy(text, file="policy.yaml") == Policy()


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_in_the_shipped_policy_takes_effect(name: str) -> None:
    text = (ROOT / "config" / "policy.yaml").read_text()
    edited = text.replace("\nprofile: full\n", f"\nprofile: {name}\n")
    alone = parse_policy(f"profile: {name}", file="policy.yaml")
    assert parse_policy(edited, file="policy.yaml") == alone


def test_what_is_written_is_what_holds() -> None:
    policy = parse_policy(
        "remediate:\n  approvers: [U0ANA, W0BEN]\n  approvals_required: 2\n"
        "correlate:\n  card_update_seconds: 0.5\nretention:\n  alerts_days: 1\n",
        file="policy.yaml",
    )
    assert policy.remediate.approvers == ("U0ANA", "W0BEN")
    assert policy.remediate.approvals_required == 2
    assert policy.correlate.card_update_seconds == 0.5
    assert policy.retention.alerts_days == 1
    assert policy.retention.deliveries_days == Policy().retention.deliveries_days


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("remidiate:\n  approvers: []", "remidiate: not a known key; did you mean remediate?"),
        (
            "remediate:\n  aprovers: [U0ANA]",
            "remediate.aprovers: not a known key; did you mean approvers?",
        ),
        ("remediate:\n  approvers: U0ANA", "remediate.approvers: "),
        ("remediate:\n  approvers: [ana]", "remediate.approvers.0: "),
        ("remediate:\n  approvers: ['U0ANA', '']", "remediate.approvers.1: "),
        ("remediate:\n  approvers: ['*']", "remediate.approvers.0: "),
        ('remediate:\n  approvers: ["U0ANA\\n"]', "remediate.approvers.0: "),
        ("remediate:\n  approvers: ['<@U0ANA>']", "remediate.approvers.0: "),
        ("remediate:\n  approvals_required: 0", "remediate.approvals_required: "),
        ("remediate:\n  approvals_required: many", "remediate.approvals_required: "),
        ("remediate:\n  approval_ttl_seconds: 1", "remediate.approval_ttl_seconds: "),
        ("remediate: yes please", "remediate: "),
        ("remediate:", "remediate: "),
        ("correlate:\n  card_update_seconds: .nan", "correlate.card_update_seconds: "),
        ("correlate:\n  card_update_seconds: .inf", "correlate.card_update_seconds: "),
        ("retention:\n  alerts_days: -1", "retention.alerts_days: "),
        ("1: {}", "1: "),
        ("remediate:\n  rules: [{environments: []}]", "remediate.rules.0.environments: "),
        ("remediate:\n  rules: [{}, {actions: []}]", "remediate.rules.1.actions: "),
        (
            "remediate:\n  maintenance_windows: [{start: 22:00, end: '23:30'}]",
            "remediate.maintenance_windows.0.start: must be HH:MM, without a zone; ",
        ),
        (
            f"notify:\n  maintenance: [{{name: a, match: {{sevice: web}}, windows: [{DAILY}]}}]",
            "notify.maintenance.0.match.sevice: not a key of a matcher",
        ),
        (
            f"notify:\n  maintenance: [{{name: a, match: {{env: prd-x}}, windows: [{DAILY}]}}]",
            "notify.maintenance.0.match.env: no declared environment is 'prd-x'",
        ),
        (
            "notify:\n  quiet_hours: {windows: [{start: '22:00'}]}",
            "notify.quiet_hours.0.windows.0: needs start and end, or cron and minutes",
        ),
        (
            f"notify:\n  quiet_hours: [{{match: {{env: x}}, windows: [{DAILY}]}}]",
            "notify.quiet_hours.0.match.env: no declared environment is 'x'",
        ),
        (
            f"notify:\n  quiet_hours: {{match: {{severity: low}}, windows: [{DAILY}]}}",
            "notify.quiet_hours.0: match: the severities are those that post_at_once does not have",
        ),
        (
            f"notify:\n  quiet_hours: {{windows: [{DAILY}], post_at_once: {EVERY_SEVERITY}}}",
            "notify.quiet_hours.0: post_at_once: has every severity",
        ),
        (
            "remediate:\n  maintenance_windows: [{start: '22:00', end: '23:30Z'}]",
            "remediate.maintenance_windows.0.end: must be HH:MM",
        ),
    ],
)
def test_a_mistake_is_named_by_file_and_key(text: str, key: str) -> None:
    [problem] = refused(text)
    assert re.match(rf"policy\.yaml:\d: {re.escape(key)}", problem), problem


@pytest.mark.parametrize(
    ("keys", "key", "word"),
    [
        ("actions: {service.stpo: {}}", "actions", "service.stpo"),
        ("rules: [{}, {actions: ['*', servcie.stop]}]", "rules.1.actions", "servcie.stop"),
        ("two_person_actions: [service.stpo]", "two_person_actions", "service.stpo"),
    ],
)
def test_a_misspelt_action_is_named_with_the_one_that_is_meant(
    keys: str, key: str, word: str
) -> None:
    assert refused(f"remediate:\n  {keys}") == [
        f"policy.yaml:2: remediate.{key}: there is no action {word!r}; did you mean service.stop?"
    ]


def test_an_action_that_only_the_gateway_knows_may_be_named() -> None:
    keys = "auto_approve: ['disk.*']\n  actions: {cache.warm: {risk: critical}}"
    policy = parse_policy(f"remediate:\n  {keys}", file="policy.yaml")
    assert unknown_actions(policy.remediate, [*CATALOGUE, "disk.clean"]) == [
        ("remediate.actions", "cache.warm")
    ]
    assert risk_in(policy.remediate, "cache.warm") == "critical"
    assert risk_in(policy.remediate, "disk.clean") == "high", "nothing that we do not know is less"


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize(
    ("keys", "key", "glob"),
    [
        ("rules: [{}, {environments: [prodd]}]", "rules.1.environments", "prodd"),
        ("critical_environments: ['prod-eu']", "critical_environments", "prod-eu"),
        (
            "environments: {rot: []}\n  rules: [{environments: [prod]}]",
            "rules.0.environments",
            "prod",
        ),
    ],
)
def test_an_environment_that_can_never_match_is_named_with_the_declared_ones(
    keys: str, key: str, glob: str
) -> None:
    [problem] = refused(f"remediate:\n  {keys}")
    line = 1 + keys[: keys.index(glob)].count("\n") + 1
    assert problem.startswith(
        f"policy.yaml:{line}: remediate.{key}: no declared environment is {glob!r},"
        " so it can never match"
    )


def test_unknown_keys_actions_and_environments_are_all_named_at_once() -> None:
    text = (
        "remidiate: {}\n"
        "remediate:\n"
        "  hourly_budgets: 3\n"
        "  two_person_actions: [service.stpo]\n"
        "  critical_environments: [prodd]\n"
    )
    named = [problem.partition(": ")[2].partition(":")[0] for problem in refused(text)]
    assert named == [
        "remediate.hourly_budgets",
        "remidiate",
        "remediate.two_person_actions",
        "remediate.critical_environments",
    ]


def test_while_the_environments_have_an_error_no_environment_is_called_unknown() -> None:
    [problem] = refused("remediate:\n  environments: [eu]\n  critical_environments: [eu]")
    assert "remediate.environments" in problem


def test_an_environment_that_is_declared_may_stand_in_a_rule() -> None:
    text = (
        "remediate:\n  environments: {prod-eu: ['prod-eu*'], production: [prod]}\n"
        "  rules: [{environments: [prod-eu]}, {environments: ['*prod*']}]"
    )
    policy = parse_policy(text, file="policy.yaml")
    assert policy.remediate.declared.name_of("prod-eu3") == "prod-eu"


def test_every_misspelt_action_gets_a_line() -> None:
    misspelt = "two_person_actions: [service.stpo, srvice.stop]\n  auto_approve: [service.strat]"
    assert len(refused(f"remediate:\n  {misspelt}")) == 3


def test_globs_that_fit_an_action_are_fine_in_upper_and_lower_case() -> None:
    text = "remediate:\n  two_person_actions: [Service.STOP, '*.re*']\n  auto_approve: ['*']"
    assert parse_policy(text, file="policy.yaml").remediate.auto_approve == ("*",)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (
            "remediate:\n  approvals_required: 3\n  approvals_required: 1",
            "policy.yaml:3: approvals_required is there twice",
        ),
        (
            "remediate: {approvals_required: 2}\nnotify: {}\n'remediate': {approvers: [U0BEN]}",
            "policy.yaml:3: remediate is there twice",
        ),
        (
            "remediate:\n  rules:\n    - {reason_required: true, reason_required: false}",
            "policy.yaml:3: reason_required is there twice",
        ),
    ],
)
def test_a_key_that_stands_twice_is_named_by_file_and_line(text: str, where: str) -> None:
    assert refused(text) == [where]


def test_what_an_anchor_brings_in_may_be_overridden() -> None:
    text = (
        "remediate:\n  rules:\n    - &two {approvals_required: 2, reason_required: true}\n"
        "    - &three {<<: *two, approvals_required: 3}\n    - {<<: *three, reason_required: false}"
    )
    rules = parse_policy(text, file="policy.yaml").remediate.rules
    assert [(rule.approvals_required, rule.reason_required) for rule in rules] == [
        (2, True),
        (3, True),
        (3, False),
    ]


def test_every_mistake_gets_a_line_of_its_own() -> None:
    problems = refused("typo: 1\nremediate:\n  approvals_required: 0\n  approvers: [x]\n")
    assert len(problems) == 3


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("remediate:\n  approvers: [U0ANA\ncorrelate: {}", "policy.yaml:3: not YAML"),
        ("a: b: c", "policy.yaml:1: not YAML"),
        ("a: \x00", "policy.yaml: not YAML"),
        ("!!python/object/apply:os.system [id]", "policy.yaml:1: not YAML"),
    ],
)
def test_what_is_not_yaml_is_named_by_file_and_line(text: str, where: str) -> None:
    assert refused(text) == [where]


@pytest.mark.parametrize("text", ["- remediate", "just words", "42"])
def test_a_policy_must_be_a_mapping(text: str) -> None:
    assert refused(text) == ["policy.yaml: must be a mapping of segments"]


def test_what_was_written_is_not_repeated_in_the_error() -> None:
    [problem] = refused("remediate:\n  approvers: ['xoxb-secret']")
    assert "secret" not in problem


@given(st.text(max_size=80))
def test_no_text_does_worse_than_an_input_error(text: str) -> None:
    policy = Policy()
    with suppress(InputError):
        policy = parse_policy(text, file="policy.yaml")
    assert policy.remediate.approvers == ()


def test_a_role_stands_for_its_people_wherever_approvers_are_named():
    roles = parse_roles("sre: [U0ANA00001, S0SRE00001]\ndba: [U0BEN00001]", file="approvers.yaml")
    text = "remediate: {approvers: [sre, U0ANA00001], rules: [{approvers: [dba]}]}"
    remediate = parse_policy(text, file="policy.yaml", roles=roles).remediate
    assert remediate.approvers == ("U0ANA00001", "S0SRE00001")
    assert remediate.rules[0].approvers == ("U0BEN00001",)


def test_a_role_stands_for_its_people_wherever_they_are_mentioned():
    roles = parse_roles("sre: [U0ANA00001, S0SRE00001]", file="approvers.yaml")
    text = (
        "notify: {mentions: [sre, U0BEN00001]}\n"
        "overrides: [{name: a, match: {service: x}, notify: {mentions: [sre]}}]"
    )
    policy = parse_policy(text, file="policy.yaml", roles=roles)
    assert policy.notify.mentions == ("U0ANA00001", "S0SRE00001", "U0BEN00001")
    assert policy.overrides[0].notify.mentions == ("U0ANA00001", "S0SRE00001")


def test_a_role_that_nobody_wrote_down_is_an_error_and_means_nobody():
    with pytest.raises(InputError, match=r"policy.yaml:1: remediate.approvers.0"):
        parse_policy("remediate: {approvers: [sre]}", file="policy.yaml", roles={})


@pytest.mark.parametrize("text", ["sre: U0ANA00001", "sre: [ana]", "SRE: [U0ANA00001]", "[a]"])
def test_a_mistake_among_the_roles_is_named_with_its_file(text):
    with pytest.raises(InputError, match=r"^approvers.yaml"):
        parse_roles(text, file="approvers.yaml")


def test_the_roles_are_read_from_the_file_beside_the_policy(tmp_path):
    (tmp_path / "policy.yaml").write_text("remediate: {approvers: [sre]}")
    (tmp_path / "approvers.yaml").write_text("sre: [U0ANA00001]")
    assert read_policy(tmp_path / "policy.yaml").remediate.approvers == ("U0ANA00001",)
