"""Names the unit tests of what changed since a commit: `python -m tests.changed [COMMIT]`.

A test belongs to a change if it changed, or if it imports a module that changed. Scenarios, browser
tests and tests that need a server are left out: `make check` runs them.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SLOW = ("tests/scenarios/", "tests/demo/", "tests/growth/", "tests/benchmarks/")
FULL_NAMES = ("bot/", "handlers/", "store/")
TESTS = ("tests/**/test_*.py", "bot/simulator/tests/test_*.py")


def changed_files(since: str) -> list[str]:
    """Paths that differ from the commit, staged or not, and new ones."""
    tracked = _git("diff", "--name-only", "--diff-filter=d", since)
    return sorted({*tracked, *_git("ls-files", "--others", "--exclude-standard")})


def unit_tests_of(changed: Iterable[str]) -> list[str]:
    """The fast test files that changed, or that import a changed module."""
    paths = {path for path in changed if path.endswith(".py")}
    modules = {module_of(path) for path in paths if path.startswith(FULL_NAMES)}
    return [
        name
        for pattern in TESTS
        for file in sorted(ROOT.glob(pattern))
        if not (name := file.relative_to(ROOT).as_posix()).startswith(SLOW)
        if name in paths or modules.intersection(imports_of(file))
    ]


def module_of(path: str) -> str:
    """`store/audit/__init__.py` is `store.audit`."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def imports_of(file: Path) -> frozenset[str]:
    """The modules that a file imports, and the names that may be modules."""
    return frozenset(_imports_of(file))


def _imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = file.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join((*above, node.module) if node.module else above)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _git(*arguments: str) -> list[str]:
    return subprocess.run(
        ["git", *arguments],  # noqa: S607 - the one that a developer uses
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()


if __name__ == "__main__":
    print("\n".join(unit_tests_of(changed_files(*sys.argv[1:] or ["HEAD"]))))
