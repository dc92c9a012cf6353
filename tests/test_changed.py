"""`make quick` runs the tests of what changed."""

from __future__ import annotations

from tests.changed import ROOT, module_of, unit_tests_of


def test_a_changed_module_brings_the_unit_tests_that_import_it() -> None:
    chosen = unit_tests_of(["bot/incidents/keys.py"])
    assert "tests/incidents/test_keys.py" in chosen
    assert "tests/web/test_errors.py" not in chosen
    assert not [name for name in chosen if name.startswith("tests/scenarios/")]


def test_a_changed_module_of_the_local_slack_brings_its_own_tests() -> None:
    chosen = unit_tests_of(["bot/simulator/mrkdwn.py"])
    assert "bot/simulator/tests/test_mrkdwn.py" in chosen
    assert "bot/simulator/tests/test_bolt.py" not in chosen
    brought = unit_tests_of(["bot/simulator/tests/__init__.py"])
    assert "bot/simulator/tests/test_links.py" in brought


def test_a_changed_test_is_run_and_a_changed_document_brings_none() -> None:
    assert unit_tests_of(["tests/test_changed.py"]) == ["tests/test_changed.py"]
    assert unit_tests_of(["docs/store.md"]) == []


def test_a_package_is_named_without_its_init_file() -> None:
    assert module_of("store/audit/__init__.py") == "store.audit"
    assert (ROOT / "store/audit/__init__.py").is_file()
