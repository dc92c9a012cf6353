"""In a parallel run, the many cases of a test that uses no fixture are reported as one test.

A worker and the process that starts it need some 4 ms for each test that they report, however
little it does. So a parallel run reports such a test once, by its name, and a failure names the
cases that failed. A run in one process (`ARGS="tests/intake -q"`) and one that measures coverage
report each case, and `-k` and an id pick a case either way.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from itertools import groupby

import pytest

from tests.measuring import CHILDREN

MANY = 10  # cases of a test that are reported as one


@pytest.hookimpl(trylast=True)  # after the cases that this run leaves out are gone
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Replace the cases of each such test."""
    if hasattr(config, "workerinput") and CHILDREN not in os.environ:
        items[:] = folded(items)


def folded(items: list[pytest.Item]) -> list[pytest.Item]:
    """The same tests in the same order, the cases of those that can be put together as one."""
    results: list[pytest.Item] = []
    for _, group in groupby(items, lambda item: item.nodeid.partition("[")[0]):
        cases = list(group)
        plain = [case for case in cases if isinstance(case, pytest.Function) and _is_plain(case)]
        if len(plain) == len(cases) >= MANY:
            results.append(_together(plain))
        else:
            results += cases
    return results


def _is_plain(case: pytest.Function) -> bool:
    """Return whether it is a function that needs nothing but the values of its case."""
    unfit = ("skip", "skipif", "xfail", "usefixtures", "hypothesis", "asyncio")
    if (
        case.cls
        or inspect.iscoroutinefunction(case.obj)
        or any(map(case.get_closest_marker, unfit))
    ):
        return False
    return set(inspect.signature(case.obj).parameters) <= set(_direct(case))


def _direct(case: pytest.Function) -> Iterator[str]:
    """Yield the parameters that the test itself lists values for."""
    for marker in case.iter_markers("parametrize"):
        if not marker.kwargs.get("indirect") and len(marker.args) < 3:
            names = marker.args[0]
            yield from (n.strip() for n in names.split(",")) if isinstance(names, str) else names


def _together(cases: list[pytest.Function]) -> pytest.Item:
    first = cases[0]
    parent, name = first.parent, first.originalname
    assert parent is not None
    whole: pytest.Function = pytest.Function.from_parent(parent, name=name, callobj=sweep_of(cases))
    whole.own_markers.extend(first.own_markers)
    return whole


def sweep_of(cases: list[pytest.Function]) -> Callable[[], None]:
    """A function that runs them all. It raises what each failed case raised, with the case's id."""

    def sweep() -> None:
        errors: list[BaseException] = []
        skipped: list[pytest.skip.Exception] = []
        for case in cases:
            try:
                case.obj(**case.callspec.params)
            except pytest.skip.Exception as reason:
                skipped.append(reason)
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - raised below
                error.add_note(f"in the case [{case.callspec.id}]")
                errors.append(error)
        if errors:
            raise BaseExceptionGroup(f"{len(errors)} of {len(cases)} cases failed", errors)
        if len(skipped) == len(cases):
            raise skipped[0]

    return sweep
