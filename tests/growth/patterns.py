"""Every regular expression of ours, and inputs made of each one's own characters."""

from __future__ import annotations

import ast
import importlib
import itertools
import pkgutil
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

PACKAGES = ("bot", "handlers", "store")
_SHOWN = {
    sre.CATEGORY_DIGIT: "1",
    sre.CATEGORY_SPACE: " ",
    sre.CATEGORY_WORD: "a",
    sre.CATEGORY_NOT_DIGIT: "x",
    sre.CATEGORY_NOT_SPACE: "x",
    sre.CATEGORY_NOT_WORD: "-",
}
MOST = 24  # characters of a pattern that inputs are made of
ENDS = ("", "\n\x01")


@cache
def modules() -> tuple[ModuleType, ...]:
    """Every module of ours except tests; importing a command's `__main__` runs nothing."""
    results = []
    for package in map(importlib.import_module, PACKAGES):
        results.append(package)
        results += [
            importlib.import_module(info.name)
            for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
            if ".tests" not in info.name
        ]
    return tuple(results)


def _inside(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 4 and isinstance(value, dict):
        for item in itertools.chain(value.keys(), value.values()):
            yield from _inside(item, depth + 1)
    elif depth < 4 and isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _inside(item, depth + 1)
    elif depth < 4 and isinstance(value, type) and value.__module__.split(".")[0] in PACKAGES:
        for item in vars(value).values():
            yield from _inside(item, depth + 1)


def _inline(module: ModuleType) -> Iterator[re.Pattern[Any]]:
    """Patterns that are written where they are used: `re.sub(r"…", …)`, `re.compile` in functions,
    `pattern=` of a field."""
    if not module.__file__:
        return
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        texts = [word.value for word in node.keywords if word.arg == "pattern"]
        if called.startswith("re.") and called != "re.escape" and node.args:
            texts.append(node.args[0])
        for text in texts:
            if isinstance(text, ast.Constant) and isinstance(text.value, str | bytes):
                flags = re.IGNORECASE if "IGNORECASE" in ast.unparse(node) else 0
                yield re.compile(text.value, flags)


def anchored(where: str, pattern: re.Pattern[Any]) -> bool:
    """True if the pattern is only ever tried at the start of a text (`match`, `fullmatch`)."""
    module, _, name = where.partition(":")[0].rpartition(".")
    if ":" in where or module not in sys.modules:
        return False
    used: set[str] = set()
    for other in modules():
        if other.__file__ and (other.__name__ == module or not name.startswith("_")):
            source = Path(other.__file__).read_text(encoding="utf-8")
            used |= set(re.findall(rf"\b{re.escape(name.partition('.')[0])}\.(\w+)", source))
    methods = {"match", "fullmatch", "search", "findall", "finditer", "sub", "subn", "split"} & used
    return bool(methods) and methods <= {"match", "fullmatch"}


def patterns() -> dict[str, re.Pattern[Any]]:
    """Every pattern once, by where it was found first."""
    named: dict[tuple[Any, int], tuple[str, re.Pattern[Any]]] = {}
    for module in modules():
        for name, value in sorted(vars(module).items()):
            for number, pattern in enumerate(_inside(value)):
                where = f"{module.__name__}.{name}" + (f".{number}" if number else "")
                named.setdefault((pattern.pattern, pattern.flags), (where, pattern))
        for number, pattern in enumerate(_inline(module)):
            where = f"{module.__name__}:inline {number}"
            named.setdefault((pattern.pattern, pattern.flags), (where, pattern))
    return dict(sorted(named.values()))


def _parts(pattern: re.Pattern[Any]) -> Iterator[tuple[Any, Any]]:
    """The parts of the pattern, at any depth."""
    text = pattern.pattern
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    waiting = [parser.parse(text, pattern.flags & ~re.DEBUG)]
    while waiting:
        for op, argument in waiting.pop():
            yield op, argument
            if op is sre.BRANCH:
                waiting += argument[1]
            elif op in (sre.ATOMIC_GROUP, sre.IN):
                waiting.append(argument)
            elif op in _NESTED:
                waiting.append(argument[_NESTED[op]])


_NESTED = {
    sre.MAX_REPEAT: 2,
    sre.MIN_REPEAT: 2,
    sre.POSSESSIVE_REPEAT: 2,
    sre.SUBPATTERN: 3,
    sre.ASSERT: 1,
    sre.ASSERT_NOT: 1,
}


def alphabet(pattern: re.Pattern[Any]) -> list[str]:
    """The words and characters that occur in the pattern, one for each range and class."""
    tokens: dict[str, None] = {}
    letters: dict[str, None] = {}
    word = ""
    for op, argument in _parts(pattern):
        if op is sre.LITERAL:
            word += chr(argument)
            letters.setdefault(chr(argument))
            continue
        if len(word) > 1:
            tokens.setdefault(word)
        word = ""
        if op is sre.RANGE:
            letters.setdefault(chr(argument[0]))
        elif op in (sre.CATEGORY, sre.ANY, sre.NOT_LITERAL):
            letters.setdefault(_SHOWN.get(argument, "x"))
    if len(word) > 1:
        tokens.setdefault(word)
    usable = [c for c in letters if not "\ud800" <= c <= "\udfff"]
    return [*[w for w in tokens if w.isprintable()][:8], *usable[:MOST]]


def units(pattern: re.Pattern[Any]) -> list[str]:
    """The units to repeat: each character, each pair, and a few longer ones."""
    letters = alphabet(pattern) or ["a"]
    singles = [*letters, "a", " ", "1", "."]
    pairs = [a + b for a, b in itertools.product(letters[:9], repeat=2) if a != b]
    return list(dict.fromkeys([*singles, *pairs]))


def inputs(pattern: re.Pattern[Any], size: int) -> Iterator[tuple[str, Any]]:
    """(how it is made, the input): about `size` characters each."""
    letters = [letter for letter in alphabet(pattern) if len(letter) == 1][:10]
    longer = [letter for letter in alphabet(pattern) if len(letter) > 1][:4]
    for unit in units(pattern):
        body = unit * (size // len(unit))
        for end in ENDS:
            yield f"{unit!r} * n + {end!r}", body + end
    for start in [*letters[:6], *longer]:
        for unit in [*letters[:6], "a", " ", "1"]:
            yield f"{start!r} + {unit!r} * n + end", start + unit * size + "\x01"
