"""Chooses the tests that a run under coverage measures; the others run at full speed.

A line counts as run however often it runs, and being measured makes a test cost half as much again
and more. So whatever is marked `unmeasured` is not, nor is a property (hypothesis runs the lines of
the plain tests beside it a hundred times), nor are the further cases of a parametrised test that
has taken its share: not in this process, and not in those that it starts. Nor is the collection,
but for one import of all that is ours. What a test proves is the same either way.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import threading
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

SHARE = 0.1  # seconds of CPU time that the measured cases of one test may take, the last one aside
OURS = ("bot", "handlers", "store")
CHILDREN = "COVERAGE_PROCESS_CONFIG"  # how coverage tells a process to measure itself

taken: Counter[str] = Counter()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Measure what an import of ours runs, in one worker, and none of the collection."""
    if CHILDREN not in os.environ or session.config.getoption("dist", "no") != "no":
        return (yield)  # nothing is measured, or the workers collect
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0":
        for name in _modules():
            importlib.import_module(name)
    with paused():
        return (yield)


def _modules() -> Iterator[str]:
    for package in map(importlib.import_module, OURS):
        for walk_package in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not walk_package.name.endswith("__main__") and ".tests" not in walk_package.name:
                yield walk_package.name


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure it, or do not, where anything is measured."""
    test = item.nodeid.partition("[")[0]
    if CHILDREN not in os.environ:
        return (yield)
    if taken[test] >= SHARE or any(map(item.get_closest_marker, ("unmeasured", "hypothesis"))):
        with paused():
            return (yield)
    before = sum(os.times()[:4])
    try:
        return (yield)
    finally:
        taken[test] += sum(os.times()[:4]) - before


@contextmanager
def paused() -> Iterator[None]:
    """Nothing is measured until the block ends: not here, in new threads, or in new processes."""
    here, threads = sys.gettrace(), threading.gettrace()
    children = os.environ.pop(CHILDREN)
    stop()
    try:
        yield
    finally:
        os.environ[CHILDREN] = children
        threading.settrace(threads)  # type: ignore[arg-type]
        sys.settrace(here)


def stop() -> None:
    """From here on nothing is measured in this thread, nor in those that it starts."""
    threading.settrace(None)  # type: ignore[arg-type]
    sys.settrace(None)
