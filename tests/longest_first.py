"""Tests that wait for minutes start first, in different workers: no run ends with one of them."""

from __future__ import annotations

import pytest

LONG = {
    "test_drops_and_kills.py",
    "test_no_message_is_doubled.py",
    "test_soak.py",
    "test_three_replicas.py",
    "test_backfill_after_outages.py",
}


@pytest.hookimpl(trylast=True)  # after the tests that this run leaves out are gone
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each worker begins with an equal part of the list; put some of the long ones before it."""
    workers = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    items[:] = spread(items, workers)


def spread(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """The same tests, the long ones at the beginning of the workers' parts."""
    long = [item for item in items if item.path.name in LONG]
    others = [item for item in items if item.path.name not in LONG]
    size, start = len(items) // workers, 0
    results = []
    for worker in range(workers):
        first = long[worker::workers]
        rest = size - len(first) if worker < workers - 1 else len(others)
        results += [*first, *others[start : start + rest]]
        start += rest
    return results
