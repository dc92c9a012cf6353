"""A parallel run reports the many cases of a plain test once, and says which of them failed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

SWEEPS = """
import asyncio
import pytest

@pytest.mark.parametrize("word", ["a", "b"])
@pytest.mark.parametrize("number", range(10))
def test_plain(word, number):
    assert (word, number) not in {("a", 3), ("b", 7)}

@pytest.mark.parametrize("number", range(9))
def test_few(number):
    assert number < 9

@pytest.mark.parametrize("number", range(10))
def test_with_a_fixture(number, tmp_path):
    assert number < 10

@pytest.mark.parametrize("number", range(10))
async def test_on_a_loop(number):
    await asyncio.sleep(0)

@pytest.mark.parametrize("number", [*range(10), pytest.param(10, marks=pytest.mark.xfail)])
def test_marked(number):
    assert number < 10

@pytest.mark.parametrize("number", range(10))
def test_of_nothing(number):
    pytest.skip("nothing is here")
"""


@pytest.fixture
def run(tmp_path: Path):
    (tmp_path / "test_sweeps.py").write_text(SWEEPS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")

    def run_pytest(*arguments: str) -> str:
        command = [sys.executable, "-m", "pytest", "-p", "tests.swept", "-rA", *arguments]
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.run(
            command,
            cwd=tmp_path,
            env=kept | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    return run_pytest


def test_a_parallel_run_reports_a_plain_test_once_and_names_each_case_that_failed(run) -> None:
    output = run("-n", "1")
    assert "2 of 20 cases failed" in output
    assert "in the case [3-a]" in output
    assert "in the case [7-b]" in output
    assert "FAILED test_sweeps.py::test_plain - " in output
    assert "1 failed, 39 passed, 1 skipped, 1 xfailed" in output


def test_a_run_in_one_process_reports_each_case(run) -> None:
    output = run()
    assert "FAILED test_sweeps.py::test_plain[3-a]" in output
    assert "2 failed, 57 passed, 10 skipped, 1 xfailed" in output


def test_a_case_is_picked_in_a_parallel_run_too(run) -> None:
    assert "1 failed in" in run("-n", "1", "test_sweeps.py::test_plain[3-a]")
    assert "1 passed in" in run("-n", "1", "test_sweeps.py::test_plain[3-b]")
