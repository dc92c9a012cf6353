"""The docs name every field, action and parameter of every system."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.gateway.executors import Kind
from bot.gateway.executors.registry import KINDS
from bot.gateway.parts import Target

DOCS = Path(__file__).parents[2] / "docs"
TEXT = "".join((DOCS / name).read_text("utf-8") for name in ("gateway.md", "gateway-systems.md"))


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_field_action_and_parameter_of_a_system_is_in_the_docs(kind: Kind):
    fields = kind.target.model_fields.keys() - Target.model_fields.keys()
    names = {*fields, *(action.id for action in kind.actions)}
    for action in kind.actions:
        names |= action.parameters.model_fields.keys()
    missing = sorted(name for name in names if f"`{name}`" not in TEXT)
    assert not missing, f"docs/gateway-systems.md, {kind.name}: {missing}"
    assert f"executor: {kind.name}" in TEXT
