"""`python -m tests.attack_list` writes the list of attack tests into docs/security.md.

A test is in the list by its mark `attack("ASI0n")`, on itself or on its module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- attacks: python -m tests.attack_list -->", "<!-- end of attacks -->"

CLASSES = {
    "ASI01": "Agent goal hijack",
    "ASI02": "Tool misuse and exploitation",
    "ASI03": "Identity and privilege abuse",
    "ASI04": "Agentic supply chain",
    "ASI05": "Unexpected code execution",
    "ASI06": "Memory and context poisoning",
    "ASI07": "Insecure communication between agents",
    "ASI08": "Cascading failures",
    "ASI09": "Exploitation of the trust of people",
    "ASI10": "Rogue agents",
}


def attacks() -> dict[str, list[tuple[str, str]]]:
    """(test, file) of every attack test, by its class."""
    results: dict[str, list[tuple[str, str]]] = {name: [] for name in CLASSES}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        of_module = list(_classes_of_module(tree))
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if not node.name.startswith("test_"):
                continue
            for name in dict.fromkeys([*_classes_in(node.decorator_list), *of_module]):
                results[name].append((node.name, file.relative_to(ROOT).as_posix()))
                break  # its own mark goes before that of its module
    return results


def _classes_of_module(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            markers = node.value.elts if isinstance(node.value, ast.List) else [node.value]
            yield from _classes_in(markers)


def _classes_in(markers: Sequence[ast.expr]) -> Iterator[str]:
    for mark in markers:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.attack":
            for argument in mark.args:
                assert isinstance(argument, ast.Constant)
                yield str(argument.value)


def as_markdown() -> str:
    """The list as it stands in the page."""
    parts = []
    for name, tests in attacks().items():
        parts.append(f"### {name} {CLASSES[name]}\n")
        by_file: dict[str, list[str]] = {}
        for test, file in tests:
            by_file.setdefault(file, []).append(test.removeprefix("test_").replace("_", " "))
        for file, names in by_file.items():
            parts.append(f"`{file}`\n")
            parts += [f"- {sentence}" for sentence in names]
            parts.append("")
        if not by_file:
            parts.append("Nothing was tried yet.\n")
    return "\n".join(parts)


def page() -> str:
    """The page with its list."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{as_markdown()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
