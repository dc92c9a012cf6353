"""The catalogue of mutants fits the code, and each mutant removes what its entry says."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant, Stale, mutated

ROOT = Path(__file__).parents[2]

SOURCE = '''
class Box:
    def open(self, lid):
        """Open it."""
        if lid:
            log("opened")
            return 1
        return 2


def walk():
    yield 1
    notify("walked")
'''


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_every_line_of_the_list_removes_something_that_is_there(mutant: Mutant) -> None:
    source = (ROOT / mutant.path).read_text("utf-8")
    assert ast.dump(ast.parse(mutated(mutant, source))) != ast.dump(ast.parse(source))
    missing = [name for name in mutant.tests.split() if not (ROOT / name).exists()]
    assert not missing, "name test files or folders that exist"


def test_no_behaviour_is_listed_twice() -> None:
    assert [text for text, times in Counter(map(str, MUTANTS)).items() if times > 1] == []


def test_the_body_of_a_function_is_replaced() -> None:
    changed = mutated(Mutant("box.py", "Box.open", "tests", returns="lid"), SOURCE)
    assert "opened" not in changed
    scope: dict[str, type] = {}
    exec(changed, scope)  # noqa: S102 - the text above
    assert scope["Box"]().open(7) == 7


def test_a_generator_stays_a_generator() -> None:
    scope: dict[str, object] = {}
    exec(mutated(Mutant("box.py", "walk", "tests", returns="None"), SOURCE), scope)  # noqa: S102
    assert list(scope["walk"]()) == []  # type: ignore[operator]


def test_one_statement_is_taken_out_and_the_rest_stays() -> None:
    changed = mutated(Mutant("box.py", "Box.open", "tests", without="log("), SOURCE)
    assert changed == SOURCE.replace('log("opened")', "pass")


@pytest.mark.parametrize(
    "mutant",
    [
        Mutant("box.py", "Box.close", "tests", returns="None"),
        Mutant("box.py", "Box", "tests", returns="None"),
        Mutant("box.py", "walk", "tests", without="forget"),
        Mutant("box.py", "Box.open", "tests", returns="handle"),
    ],
    ids=str,
)
def test_a_line_that_does_not_fit_the_code_is_stale(mutant: Mutant) -> None:
    with pytest.raises(Stale):
        mutated(mutant, SOURCE)
