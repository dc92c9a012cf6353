"""Bounded JMESPath: an operator's expressions read a stranger's JSON in bounded time.

JMESPath has no reference to the whole document inside a projection, so an expression of bounded
length reads its input in linear time, unless it multiplies its results: `[@, @] | [@, @] | …`. So
an expression has at most one list or object of its own, only functions that return no more than
they are given, and a limit on the steps of one body.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import TreeInterpreter

from bot.errors import InputError

LONGEST = 500  # characters of an expression
MOST_NODES = 100
MOST_STEPS = 60_000  # of all expressions on one body: less than 0.1 s
FUNCTIONS = frozenset(
    (
        "abs",
        "avg",
        "ceil",
        "contains",
        "ends_with",
        "floor",
        "join",
        "keys",
        "length",
        "max",
        "min",
        "not_null",
        "sort",
        "starts_with",
        "sum",
        "to_number",
        "type",
        "values",
    )
)
_OWN_RESULTS = ("multi_select_list", "multi_select_dict")


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression."""

    text: str
    tree: dict[str, Any]

    @property
    def parts(self) -> int:
        """Return how many parts it has."""
        return sum(1 for _ in _nodes(self.tree))


def parse_expression(text: str) -> Expression:
    """Parse an expression. ValueError says why it is refused."""
    if len(text) > LONGEST:
        raise ValueError(f"must be an expression of at most {LONGEST} characters")
    try:
        tree = cast("dict[str, Any]", jmespath.compile(text).parsed)
    except (JMESPathError, RecursionError) as error:
        first = str(error).split("\n", 1)[0][:200]
        raise ValueError(f"is not JMESPath: {first}") from error
    nodes = list(_nodes(tree))
    if len(nodes) > MOST_NODES:
        raise ValueError(f"must have at most {MOST_NODES} parts")
    if sum(node["type"] in _OWN_RESULTS for node in nodes) > 1:
        raise ValueError("must have at most one [a, b] or {a: b}")
    for node in nodes:
        if node["type"] == "function_expression" and node["value"] not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            raise ValueError(f"must not call {node['value']}(); there are {known}")
    return Expression(text, tree)


def _nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        stack += [child for child in node.get("children", ()) if isinstance(child, dict)]


class BodyReader:
    """Evaluates expressions on the parts of one body, within a number of steps."""

    def __init__(self, steps: int = MOST_STEPS) -> None:
        self._interpreter = _Interpreter(steps)

    @property
    def left(self) -> int:
        """Return how many steps are left."""
        return max(0, self._interpreter.left)

    def value(self, expression: Expression, part: Any) -> Any:
        """Return the value of the expression; None if there is none.

        InputError if the part has another form than a function needs, or too much is read.
        """
        try:
            return self._interpreter.visit(expression.tree, part)
        except (JMESPathError, ArithmeticError, TypeError, ValueError, RecursionError) as error:
            reason = str(error).split("\n", 1)[0][:200]
            raise InputError(f"{expression.text}: {reason}", field=expression.text) from error


class _Interpreter(TreeInterpreter):
    """Counts its steps, and what its results hold."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps = self.left = steps

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        result = super().visit(node, *args, **kwargs)
        self.left -= 1 + (len(result) // 8 if isinstance(result, list | str) else 0)
        if self.left < 0:
            raise InputError(f"the expressions read more than {self._steps:,} parts of the body")
        return result
