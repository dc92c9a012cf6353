"""The code keeps a shape that one reader can hold: short files and functions, no import circle."""

from __future__ import annotations

import ast
import re
from collections.abc import Container, Iterator
from pathlib import Path

from tests.changed import module_of
from tests.vocabulary import ROOT, files

PACKAGES = ("bot", "handlers", "store")
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 350, 50

# What is longer still. Take a line out when you split the file; nothing may be added.
LONG_FILES: dict[str, int] = {}
LONG_FUNCTIONS = 5


def test_no_file_is_too_long_to_read_at_once() -> None:
    lengths = {
        file.relative_to(ROOT).as_posix(): len(file.read_text("utf-8").splitlines())
        for file in files()
    }
    too_long = {
        path: lines for path, lines in lengths.items() if lines > LONG_FILES.get(path, MOST_LINES)
    }
    assert not too_long, "split these by topic"


def test_few_functions_are_longer_than_a_page() -> None:
    too_long = [
        f"{file.relative_to(ROOT)}: {node.name}"
        for file in files(*PACKAGES)
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert len(too_long) <= LONG_FUNCTIONS, too_long


def test_no_module_imports_itself_by_way_of_others() -> None:
    modules = {module_of(file.relative_to(ROOT).as_posix()): file for file in files()}
    imports = {name: imported_by(file, modules) - {name} for name, file in modules.items()}
    assert list(circles(imports)) == [], "move what both need to a third module"


def test_no_test_module_imports_another() -> None:
    importing = [
        f"{file.relative_to(ROOT)}: {node.module}"
        for file in files("tests")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        if node.module.startswith("tests.") and node.module.rpartition(".")[2].startswith("test_")
    ]
    assert importing == [], "move what both need to tests/helpers"


def test_each_broad_except_that_goes_on_and_each_silenced_check_has_a_reason() -> None:
    unexplained = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in files(*PACKAGES)
        if "tests" not in file.parts
        for number, line in _without_reason(file.read_text("utf-8").splitlines())
    ]
    assert unexplained == [], "write the reason behind it"


def _without_reason(lines: list[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        following = lines[number].strip() if number < len(lines) else ""
        broad = re.search(r"except Exception\b[^#]*:$", line) and not following.startswith("#")
        if broad or re.search(r"# noqa: [A-Z0-9, ]+$|# type: ignore\[[a-z-]+\]$", line):
            yield number, line


def test_a_line_without_its_reason_is_found() -> None:
    lines = ["    except Exception:", "        pass", "x = 1  # noqa: E501", "y()  # noqa: S1 - so"]
    assert [number for number, _ in _without_reason(lines)] == [1, 3]


def imported_by(file: Path, modules: Container[str]) -> set[str]:
    """The modules that it imports, at its head or later; a package only for its own names."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names if alias.name in modules}
        elif isinstance(node, ast.ImportFrom) and node.module in modules:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            imported |= {name if name in modules else node.module for name in names}
    return imported


def circles(imports: dict[str, set[str]]) -> Iterator[list[str]]:
    """Modules that are left when all that import nothing of the others are taken away."""
    left = {name: set(others) for name, others in imports.items()}
    while leaves := {name for name, others in left.items() if not others}:
        left = {name: others - leaves for name, others in left.items() if name not in leaves}
    while roots := set(left) - {other for others in left.values() for other in others}:
        left = {name: others for name, others in left.items() if name not in roots}
    if left:
        yield sorted(left)


def test_a_circle_of_three_is_found_and_a_diamond_is_none() -> None:
    diamond = {"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set[str]()}
    assert list(circles(diamond)) == []
    assert list(circles(diamond | {"d": {"e"}, "e": {"b"}})) == [["b", "d", "e"]]
