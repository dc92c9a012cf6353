"""A mutant: the product without one behaviour, made from its source by function and statement."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """One behaviour that is removed from `function` (`Class.method`) of the file at `path`.

    Either its body is replaced by `return` and the expression in `returns`, or its first statement
    whose source contains `without` is taken out. `tests` are what must fail then.
    """

    path: str
    function: str
    tests: str
    returns: str | None = None
    without: str | None = None

    def __str__(self) -> str:
        what = f"returns {self.returns}" if self.without is None else f"without `{self.without}`"
        return f"{self.path}: {self.function} {what}"


class Stale(Exception):
    """The mutant names something that its file does not have any more."""


def mutated(mutant: Mutant, source: str) -> str:
    """The source without the behaviour. Stale when the function or statement is not there."""
    function = _function(ast.parse(source), mutant)
    lines = source.splitlines(keepends=True)
    if mutant.without is None:
        _check_names(function, mutant)
        first, last, text = function.body[0], function.body[-1], f"return {mutant.returns}"
        if _yields(function):
            text += "\n{indent}yield"
    else:
        first = last = _statement(function, mutant, source)
        text = "pass"
    indent = " " * first.col_offset
    changed = indent + text.format(indent=indent) if "{indent}" in text else indent + text
    start, end = first.lineno - 1, (last.end_lineno or last.lineno)
    return "".join([*lines[:start], changed, "\n", *lines[end:]])


def _function(tree: ast.Module, mutant: Mutant) -> ast.FunctionDef | ast.AsyncFunctionDef:
    scope: ast.AST = tree
    for name in mutant.function.split("."):
        for node in ast.walk(scope):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                and node.name == name
                and node is not scope
            ):
                scope = node
                break
        else:
            raise Stale(f"{mutant.path} has no {mutant.function}")
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        raise Stale(f"{mutant.path}: {mutant.function} is no function")
    return scope


def _statement(
    function: ast.FunctionDef | ast.AsyncFunctionDef, mutant: Mutant, source: str
) -> ast.stmt:
    """The smallest statement that holds the text."""
    holding = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.stmt) and node is not function
        if (mutant.without or "") in (ast.get_source_segment(source, node) or "")
    ]
    if not holding:
        raise Stale(f"{mutant.path}: {mutant.function} has no statement with {mutant.without!r}")
    return min(holding, key=lambda node: len(ast.get_source_segment(source, node) or ""))


def _check_names(function: ast.FunctionDef | ast.AsyncFunctionDef, mutant: Mutant) -> None:
    """A name that the function does not have would fail every test, whatever it checks."""
    arguments = function.args
    known = {
        argument.arg
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    }
    used = {node.id for node in ast.walk(_expression(mutant)) if isinstance(node, ast.Name)}
    if unknown := used - known - set(dir(builtins)):
        raise Stale(f"{mutant.path}: {mutant.function} has no parameter {', '.join(unknown)}")


def _expression(mutant: Mutant) -> ast.AST:
    # `await` may stand in an expression of an async function only.
    return ast.parse(f"async def _():\n    return {mutant.returns}").body[0]


def _yields(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function))
