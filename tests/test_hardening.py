"""Processes hide their memory from their own user; both programs do it before they import."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")

pytestmark = pytest.mark.attack("ASI03")

# As a supervised service of the same user: a child that looks at its parent.
LOOK = """
import subprocess, sys
sys.path.insert(0, {folder!r})
import hardening
{protect}
look = "cat /proc/$PPID/environ /proc/$PPID/maps"
found = subprocess.run(["/bin/sh", "-c", look], capture_output=True)
print(len(found.stdout))
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may read."""
    with tempfile.TemporaryDirectory(prefix="sopbot-open-") as name:
        Path(name).chmod(0o755)
        shutil.copy(ROOT / "bot" / "hardening.py", name)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0 or PYTHON is None, reason="needs root, to be nobody")
def test_a_child_of_the_same_user_reads_no_memory_of_a_process_that_hides_it(
    open_folder: Path,
) -> None:
    def read_by_the_child(protect: str) -> int:
        assert PYTHON is not None
        program = LOOK.format(folder=str(open_folder), protect=protect)
        done = subprocess.run(
            [PYTHON, "-c", program],
            user=65534,
            group=65534,
            extra_groups=[],
            cwd="/",
            env={"SECRET": "hunter2"},
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout)

    assert read_by_the_child("") > 0, "so it is where nothing is hidden"
    assert read_by_the_child("hardening.hide_memory()") == 0


@pytest.mark.parametrize("program", ["bot/__main__.py", "bot/gateway/__main__.py"])
def test_memory_is_hidden_before_anything_else_is_imported(program: str) -> None:
    body = ast.parse((ROOT / program).read_text()).body
    seen = [ast.unparse(node) for node in body if not isinstance(node, ast.Expr)]
    assert seen[0] == "from __future__ import annotations"
    assert seen[1].startswith("from bot.hardening import ")
    assert seen[2].startswith("if __name__ == '__main__':\n    hide_memory()")


def test_the_console_script_hides_its_memory_before_anything_else_is_imported() -> None:
    body = ast.parse((ROOT / "bot/console.py").read_text()).body
    imports = [ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports[1:] == ["import gc", "from bot.hardening import hide_memory"]
    (function,) = (node for node in body if isinstance(node, ast.FunctionDef))
    assert ast.unparse(function.body[1]) == "hide_memory()"


def test_a_forgotten_variable_is_neither_in_the_environment_nor_in_what_proc_shows() -> None:
    program = """
import os, pathlib
from bot.hardening import forget_variables
forget_variables(["GATEWAY_SECRET"])
print("GATEWAY_SECRET" in os.environ, os.environ["KEPT"])
print(pathlib.Path("/proc/self/environ").read_bytes().hex())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"GATEWAY_SECRET": "hunter2", "KEPT": "yes"},
        capture_output=True,
        text=True,
        check=True,
    )
    in_environment, block = done.stdout.splitlines()
    assert in_environment == "False yes"
    assert b"hunter2" not in bytes.fromhex(block)
    assert b"KEPT=yes" in bytes.fromhex(block)
