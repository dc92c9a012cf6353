"""One vocabulary: retired words do not come back, and a docstring says who does what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.vocabulary import (
    Fault,
    files,
    package_of,
    relative_docstrings,
    retired_identifiers,
)

# What is left of before, a package. Lower a figure when you rename; nothing may raise it.
RETIRED_LEFT: dict[str, int] = {}
CLAUSES_LEFT: dict[str, int] = {}


def grown(
    find: Callable[[Path], Iterable[Fault]], left: dict[str, int]
) -> Iterator[tuple[str, list[Fault]]]:
    """The packages that have more of it than they may."""
    faults = [fault for file in files() for fault in find(file)]
    for package, count in Counter(package_of(fault.path) for fault in faults).items():
        if count > left.get(package, 0):
            yield package, [fault for fault in faults if package_of(fault.path) == package]


def test_no_identifier_is_a_retired_word() -> None:
    more = dict(grown(retired_identifiers, RETIRED_LEFT))
    assert not more, "use the word of docs/glossary.md; the list: python -m tests.vocabulary PATH"


def test_no_docstring_opens_with_a_relative_clause() -> None:
    more = dict(grown(relative_docstrings, CLAUSES_LEFT))
    assert not more, "begin with the actor or the verb: python -m tests.vocabulary PATH"


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("def tend(): ...", ["tend"]),
        ("class Link: ...", ["Link"]),
        ("async def f(*, told_at): ...", ["told_at"]),
        ("self._wanted = [one for one in rows]", ["_wanted", "one", "one"]),
        ("desired_version = rows[0]", []),
    ],
)
def test_a_retired_word_is_found_wherever_a_name_may_stand(
    code: str, texts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.vocabulary.ROOT", tmp_path)
    file = tmp_path / "module.py"
    file.write_text(code)
    assert sorted(fault.text for fault in retired_identifiers(file)) == sorted(texts)


def test_a_docstring_that_begins_with_a_clause_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.vocabulary.ROOT", tmp_path)
    file = tmp_path / "module.py"
    file.write_text('"""What comes in."""\n\n\ndef f():\n    """Return what came in."""\n')
    assert [fault.text for fault in relative_docstrings(file)] == ["What comes in."]
