"""Docs are tests: what the code has, the docs name, and what the docs link to is there."""

import logging
import re
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHES
from bot.gateway.events import Event as GatewayEvent
from bot.intake import PARSERS
from bot.observability.events import LEVELS, Event
from bot.observability.metrics import Metrics
from bot.policy import Policy
from bot.remediation.catalogue import CATALOGUE
from bot.settings import NAMES, Settings
from handlers.listeners.commands import INCIDENT, SOP
from store.operations.audit_kinds import Kind
from tests import action_list, attack_list

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def doc(name):
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_its_row_in_the_docs(name):
    assert f"| `{name}` |" in doc("settings.md"), f"add a row for {name} to docs/settings.md"


def test_every_setting_in_the_docs_exists():
    named = set(re.findall(r"^\| `([A-Z_]+)` \|", doc("settings.md"), re.MULTILINE))
    difference = sorted(named ^ set(NAMES))
    assert not difference, f"only one of docs/settings.md and bot.settings.NAMES has {difference}"


def test_every_setting_is_described():
    bare = [name for name, field in Settings.model_fields.items() if not field.description]
    assert not bare, f"give these a description in bot/settings.py: {bare}"


def test_the_docs_have_each_command_in_the_words_of_its_help():
    text = doc("commands.md").replace("\\|", "/")
    rows = dict(re.findall(r"^\| `(/\w+ [^`]+)` \| (.*) \|$", text, re.MULTILINE))
    for command, verbs in (("/incident", INCIDENT), ("/sop", SOP)):
        for verb in verbs.values():
            usage, help_line = (
                f"{command} {verb.usage}".replace("|", "/"),
                verb.help.replace("|", "/"),
            )
            row = rows.get(usage, "")
            assert row.startswith(help_line), f"docs/commands.md: | `{usage}` | {help_line} … |"
    known = {f"/incident {verb}" for verb in INCIDENT} | {f"/sop {verb}" for verb in SOP}
    assert {" ".join(usage.split()[:2]) for usage in rows} == known


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_every_alert_source_is_in_the_docs(parser):
    assert parser.name in doc("sources.md")


@pytest.mark.parametrize("action", CATALOGUE)
def test_every_action_and_parameter_is_in_the_docs(action):
    text = doc("actions.md")
    assert f"`{action}`" in text
    for name in CATALOGUE[action].parameters.model_fields:
        assert f"`{name}`" in text, f"docs/actions.md does not name {name} of {action}"


def test_every_metric_is_in_the_docs():
    names = {family.name for family in Metrics().registry.collect()}
    text = doc("metrics.md")
    missing = [name for name in names if name not in text]
    assert not missing, f"add these to docs/metrics.md: {missing}"


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_on_record_is_in_the_docs(kind):
    assert f"`{kind}`" in doc("audit.md"), f"add a row for {kind} to docs/audit.md"


def test_every_policy_key_is_in_the_docs_and_in_the_example():
    example = (ROOT / "config/policy.yaml").read_text(encoding="utf-8")
    for segment, field in Policy.model_fields.items():
        fields = getattr(field.annotation, "model_fields", None)
        for key in fields or ():
            assert f"`{segment}.{key}`" in doc("policy.md"), f"docs/policy.md: {segment}.{key}"
            # Behind `#` where a profile decides.
            shown = any(f"  {mark}{key}:" in example for mark in ("", "# "))
            assert shown, f"config/policy.yaml: {segment}.{key}"


def test_the_example_configuration_loads_without_a_problem():
    from bot.policy import read_policy
    from bot.sop_files import read_sops

    read_policy(ROOT / "config/policy.yaml")
    library = read_sops(ROOT / "config/sops")
    assert library.sops
    assert not library.problems, [str(problem) for problem in library.problems]


@pytest.mark.parametrize(
    "page", [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md"))], ids=lambda page: page.name
)
def test_every_link_inside_the_repository_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_no_committed_text_names_a_package_index_or_a_path_of_one_machine():
    for name in ("requirements.txt", "requirements-dev.txt", "Makefile", "README.md", ".ci/run"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"index-url|https?://[^\s)]*pypi", text), name


def test_every_event_is_in_the_docs_with_its_level_and_no_other():
    rows = re.findall(r"^\| `([a-z._]+)` \| ([A-Z]+) \|", doc("logs.md"), re.MULTILINE)
    code = {str(event): logging.getLevelName(LEVELS.get(event, logging.INFO)) for event in Event}
    code |= {str(event): "INFO" for event in GatewayEvent}
    assert dict(rows) == code, "docs/logs.md and the events in the code differ"
    assert len(rows) == len(code), "an event stands twice in docs/logs.md"


@pytest.mark.parametrize("name", BENCHES)
def test_every_bench_is_described_in_the_page_of_figures(name):
    text = (ROOT / "benchmarks/performance.md.template").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith(f"| `{name}")]
    assert rows, f"add a row for {name} to benchmarks/performance.md.template"


def test_the_list_of_attacks_is_the_one_that_the_tests_carry():
    assert attack_list.page() == doc("security.md"), "run `python -m tests.attack_list`"


def test_the_list_of_actions_is_the_one_of_the_gateways_catalogue():
    assert action_list.page() == doc("actions.md"), "run `python -m tests.action_list`"
