"""README.md names each fault, clock, limit and exported name; its links stay in the package."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

from .. import clock
from ..chaos import Chaos
from ..outages import Outages
from ..rates import RateLimits
from ..script import Script
from . import FOLDER, PACKAGE

README = (FOLDER / "README.md").read_text(encoding="utf-8")
PLANS = ("fail", "limit", "http", "slow", "lose_", "refuse_", "half_", "cut_")
NAMES = {
    *(name for name in inspect.signature(Chaos).parameters if name != "seed"),
    *inspect.signature(RateLimits).parameters,
    *(name for name in vars(Script) if name.startswith(PLANS) and name != "half_open"),
    *(name for name in vars(Outages) if not name.startswith("_")),
    *(name for name in vars(clock) if name.endswith("Clock")),
    *importlib.import_module(PACKAGE).__all__,
}


@pytest.mark.parametrize("name", sorted(NAMES - {"posts_per_second"}))
def test_each_name_that_a_test_can_use_is_in_the_readme(name: str) -> None:
    assert re.search(rf"\b{name}\b", README), f"describe {name} in README.md"


def test_each_link_of_the_readme_leads_to_a_file_of_the_package() -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", README):
        assert re.match(r"https?:", target) or (FOLDER / target).resolve().is_relative_to(FOLDER)
        assert re.match(r"https?:", target) or (FOLDER / target).exists(), target
