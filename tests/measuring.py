"""Which tests a run under coverage measures, and which of them run at full speed.

A line counts as run however often it runs, and being measured makes a test cost half as much again
and more. So whatever is marked `unmeasured` is not, nor are the further cases of a parametrised
test that has taken its share: not in this process, and not in those that it starts. What a test
proves is the same either way.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

SHARE = 1.0  # seconds of CPU time that the measured cases of one test may take, the last one aside
CHILDREN = "COVERAGE_PROCESS_CONFIG"  # how coverage tells a process to measure itself

taken: Counter[str] = Counter()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure it, or do not, where anything is measured."""
    test = item.nodeid.partition("[")[0]
    if CHILDREN not in os.environ:
        return (yield)
    if taken[test] >= SHARE or item.get_closest_marker("unmeasured"):
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
    threading.settrace(None)  # type: ignore[arg-type]
    sys.settrace(None)
    try:
        yield
    finally:
        os.environ[CHILDREN] = children
        threading.settrace(threads)  # type: ignore[arg-type]
        sys.settrace(here)
