"""The guide to alert sources names what the code knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.intake import PARSERS, Parser
from bot.intake.guesses import SERVICE_LABELS

GUIDE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_every_source_has_its_section_and_its_address(parser: Parser) -> None:
    name = parser.name
    assert f"(`{name}`)" in GUIDE
    assert (f"/alerts/{name}" in GUIDE) == (parser.body is not None)


def test_the_order_of_the_service_labels_is_the_documented_one() -> None:
    assert ", ".join(f"`{name}`" for name in SERVICE_LABELS) in " ".join(GUIDE.split())
