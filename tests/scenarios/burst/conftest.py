"""Every scenario of this folder runs in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest

from tests.helpers.seeds import command_to_repeat
from tests.helpers.virtual_time import VirtualTimeLoop


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """One loop for all of them."""
    return {"virtual": VirtualTimeLoop}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Measure no coverage here: a burst runs the same lines a thousand times."""
    item.add_marker(pytest.mark.unmeasured)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show, when a test fails, its seed and how to repeat it."""
    report = yield
    if report.failed:
        chaos = item.get_closest_marker("chaos") is not None
        report.sections.append(("the same again", command_to_repeat(item.nodeid, chaos=chaos)))
    return report
