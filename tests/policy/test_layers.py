"""A policy of several layers: defaults, a profile, included files, the file itself."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bot.errors import InputError, SopbotError
from bot.policy import Policy, load_policy, parse_policy, read_policy
from bot.policy.includes import DEEPEST
from bot.policy.layers import SEGMENTS
from bot.policy.profiles import PROFILES

ROOT = Path(__file__).parents[2]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / "policy.yaml"


def problems_of(folder: Path, files: dict[str, str]) -> list[str]:
    with pytest.raises(SopbotError) as caught:
        read_policy(write(folder, files))
    return caught.value.message.splitlines()


# Profiles


def test_the_profile_full_is_what_no_profile_is() -> None:
    assert parse_policy("profile: full", file="policy.yaml") == Policy()


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_sets_its_values_and_the_file_wins_over_it(name: str) -> None:
    policy = parse_policy(f"profile: {name}", file="policy.yaml")
    for segment, values in PROFILES[name].items():
        for key, value in values.items():
            assert getattr(getattr(policy, segment), key) == value
    written = parse_policy(
        f"profile: {name}\nretention: {{alerts_days: 9}}\nremediate: {{hourly_budget: 3}}",
        file="policy.yaml",
    )
    assert (written.retention.alerts_days, written.remediate.hourly_budget) == (9, 3)
    assert written.retention.turns_days == policy.retention.turns_days


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("name", PROFILES)
def test_no_profile_lets_anybody_approve_or_anything_run_by_itself(name: str) -> None:
    remediate = parse_policy(f"profile: {name}", file="policy.yaml").remediate
    assert (remediate.approvers, remediate.auto_approve, remediate.guests_may) == ((), (), ())
    assert remediate.hourly_budget <= Policy().remediate.hourly_budget


def test_the_docs_have_the_values_of_each_profile() -> None:
    page = (ROOT / "docs" / "policy.md").read_text()
    table = page[page.index("## Profiles") : page.index("## Several files")].splitlines()
    rows = {
        row.split("`")[1]: [cell.strip() for cell in row.split("|")[2:5]]
        for row in table
        if row.startswith("| `") and "." in row
    }
    changed = {f"{s}.{key}" for values in PROFILES.values() for s in values for key in values[s]}
    assert rows.keys() == changed
    for key, cells in rows.items():
        segment, _, name = key.partition(".")
        for profile, cell in zip(PROFILES, cells, strict=True):
            policy = parse_policy(f"profile: {profile}", file="policy.yaml")
            assert str(getattr(getattr(policy, segment), name)).lower() == cell, key


# Includes


def test_each_key_is_taken_whole_from_the_last_file_that_has_it(tmp_path: Path) -> None:
    policy = read_policy(
        write(
            tmp_path,
            {
                "policy.yaml": "includes: [a.yaml, seg/b.yaml]\nremediate: {approvers: [U0ANA]}\n",
                "a.yaml": "remediate: {approvers: [U0BEN], hourly_budget: 7}\nprofile: poc\n",
                "seg/b.yaml": "includes: [c.yaml]\nnotify: {storm_limit: 5}\n",
                "seg/c.yaml": (
                    "notify: {storm_limit: 9, post_burst: 3}\nremediate: {breaker_failures: 8}"
                ),
            },
        )
    )
    assert policy.remediate.approvers == ("U0ANA",)
    assert (policy.remediate.hourly_budget, policy.remediate.breaker_failures) == (7, 8)
    assert (policy.notify.storm_limit, policy.notify.post_burst) == (5, 3)
    assert policy.retention.alerts_days == PROFILES["poc"]["retention"]["alerts_days"]


def test_a_file_that_two_others_include_is_read_once(tmp_path: Path) -> None:
    files = {
        "policy.yaml": "includes: [a.yaml, b.yaml]",
        "a.yaml": "includes: [base.yaml]\nnotify: {storm_limit: 5}",
        "b.yaml": "includes: [base.yaml]",
        "base.yaml": "notify: {storm_limit: 2}",
    }
    assert read_policy(write(tmp_path, files)).notify.storm_limit == 5


def test_the_digest_is_that_of_the_files_in_their_order(tmp_path: Path) -> None:
    files = {"policy.yaml": "includes: [a.yaml]\n", "a.yaml": "notify: {storm_limit: 5}\n"}
    text = files["a.yaml"] + files["policy.yaml"]
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert load_policy(write(tmp_path, files)).digest == digest


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (
            {"a.yaml": "includes: [policy.yaml]"},
            "a.yaml:1: includes.0: is a cycle: policy.yaml → a.yaml → policy.yaml",
        ),
        ({"a.yaml": "\nincludes: [a.yaml]"}, "a.yaml:2: includes.0: is a cycle: a.yaml → a.yaml"),
        ({}, "policy.yaml:1: includes.0: a.yaml cannot be read"),
        ({"a.yaml": "[1]"}, "a.yaml: must be a mapping of segments"),
        (
            {"a.yaml": "notify: {storm_limits: 3}"},
            "a.yaml:1: notify.storm_limits: not a known key; did you mean storm_limit?",
        ),
        (
            {"a.yaml": "slo:\n  fast_path_p95_ms: 0"},
            "a.yaml:2: slo.fast_path_p95_ms: must be at least 1",
        ),
        (
            {"a.yaml": "schema_version: '2.0'"},
            'a.yaml:1: schema_version: must be "3.0", the form that this bot reads',
        ),
        ({"a.yaml": "includes: nothing.yaml"}, "a.yaml:1: includes: must be a list"),
    ],
)
def test_a_mistake_in_an_included_file_names_that_file(
    tmp_path: Path, files: dict[str, str], problem: str
) -> None:
    assert problems_of(tmp_path, {"policy.yaml": "includes: [a.yaml]", **files}) == [problem]


def test_a_mistake_that_a_later_file_replaces_is_a_mistake_all_the_same(tmp_path: Path) -> None:
    files = {
        "policy.yaml": (
            "includes: [a.yaml]\nschema_version: '3.0'\nremediate: {approvals_required: 2}"
        ),
        "a.yaml": "schema_version: '4.0'\nremediate: {approvals_required: 0}",
    }
    assert problems_of(tmp_path, files) == [
        'a.yaml:1: schema_version: must be "3.0", the form that this bot reads',
        "a.yaml:2: remediate.approvals_required: must be at least 1",
    ]


@pytest.mark.parametrize(
    "name", ["/etc/passwd.yaml", "../a.yaml", "seg/../../a.yaml", ".a.yaml", "a.json"]
)
def test_only_files_in_or_below_the_folder_are_included(tmp_path: Path, name: str) -> None:
    [problem] = problems_of(tmp_path, {"policy.yaml": f"includes: [{name}]"})
    assert problem.startswith("policy.yaml:1: includes.0: must be a YAML file in or below")


def test_includes_are_bounded_in_depth_and_number(tmp_path: Path) -> None:
    deep = {f"f{at}.yaml": f"includes: [f{at + 1}.yaml]" for at in range(1, DEEPEST + 2)}
    [problem] = problems_of(tmp_path, {"policy.yaml": "includes: [f1.yaml]", **deep})
    assert problem == f"f{DEEPEST}.yaml:1: includes.0: is deeper than {DEEPEST} files"
    wide = {f"w{at}.yaml": "{}" for at in range(40)}
    halves = {
        "left.yaml": f"includes: [{', '.join(list(wide)[:20])}]",
        "right.yaml": f"includes: [{', '.join(list(wide)[20:])}]",
    }
    files = {"policy.yaml": "includes: [left.yaml, right.yaml]", **halves, **wide}
    [problem] = problems_of(tmp_path, files)
    assert problem == "right.yaml:1: includes.11: is one of more than 32 files"


def test_every_segment_can_be_merged_and_nothing_else() -> None:
    assert set(SEGMENTS) == {
        "features",
        "ingest",
        "detect",
        "correlate",
        "notify",
        "remediate",
        "llm",
        "retention",
        "privacy",
        "slo",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("profile: pok", "policy.yaml:1: profile: must be 'poc', 'core-fast' or 'full'"),
        (
            "features: {advise: false}",
            "policy.yaml:1: features.advise: not a known key; did you mean advice?",
        ),
        (
            "schema_version: '3'",
            'policy.yaml:1: schema_version: must be "3.0", the form that this bot reads',
        ),
    ],
)
def test_a_mistake_at_the_head_is_named(text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_policy(text, file="policy.yaml")
    assert caught.value.message == problem
