"""A mistake of an operator, and how to make it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.scenarios.world import World

Changes = dict[str, str | None]


@dataclass(frozen=True)
class Mistake:
    """A mistake of an operator, and what the one line of `check` about it has to contain."""

    about: str
    cause: str
    remedy: str
    settings: Changes | Callable[[World], Changes] | None = None
    world: Callable[[World], Any] | None = None

    def make(self, world: World) -> Changes:
        """Do it; the settings that go with it."""
        if self.world:
            self.world(world)
        return (self.settings(world) if callable(self.settings) else self.settings) or {}
