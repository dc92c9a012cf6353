"""The package can be copied out: it imports itself and its requirements, and has no circle."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from . import FOLDER

FILES = sorted(FOLDER.rglob("*.py"))
TESTS = FOLDER / "tests"


def imports(file: Path) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def outside(file: Path) -> set[str]:
    """The top-level modules that a file imports by an absolute name."""
    names: set[str] = set()
    for node in imports(file):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif not node.level:
            names.add(str(node.module).partition(".")[0])
    return names - sys.stdlib_module_names


def required(file: Path) -> set[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return {re.split(r"[\[<>=]", line)[0] for line in lines if line[:1].isalpha()}


def distributions(modules: set[str]) -> set[str]:
    installed = packages_distributions()
    return {installed.get(m, [m])[0].lower().replace("_", "-") for m in modules}


def inside(file: Path) -> set[Path]:
    """The files of the package that a file imports."""
    paths: set[Path] = set()
    for node in imports(file):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = file.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for alias in node.names:
                places = (base / f"{alias.name}.py", base / alias.name / "__init__.py")
                module = (base.with_suffix(".py"), base / "__init__.py")
                paths.add(next(p for p in (*places, *module) if p.is_file()))
    return paths


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_no_relative_import_leaves_the_package(file: Path) -> None:
    depth = len(file.relative_to(FOLDER).parts)
    above = [node for node in imports(file) if getattr(node, "level", 0) > depth]
    assert not above, f"{file}, line {above[0].lineno}"


def test_the_package_imports_what_its_requirements_name_and_nothing_else() -> None:
    modules = set().union(*(outside(file) for file in FILES if TESTS not in file.parents))
    assert distributions(modules) == required(FOLDER / "requirements.txt")


def test_the_tests_import_what_their_requirements_name_and_nothing_else() -> None:
    modules = set().union(*(outside(file) for file in FILES if TESTS in file.parents))
    named = required(TESTS / "requirements.txt")
    plugins = {"pytest-asyncio"}  # pytest loads it; no test imports it
    assert distributions(modules) - required(FOLDER / "requirements.txt") == named - plugins


def test_no_module_imports_itself_through_others() -> None:
    """`__init__` is left out: it imports all others, so that users need only its names."""
    left = {file: inside(file) - {FOLDER / "__init__.py", file} for file in FILES}
    del left[FOLDER / "__init__.py"]
    while free := [file for file, needs in left.items() if not needs & left.keys()]:
        for file in free:
            del left[file]
    assert not left, f"in or behind a circle: {sorted(file.name for file in left)}"
