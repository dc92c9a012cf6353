"""Matches the scope of an alert or an incident: its service, region and environment.

An override needs the same answer for an alert and for its incident, so it reads what both have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from bot.incidents.environments import UNKNOWN, Environments, folded
from bot.incidents.globs import glob_pattern
from bot.incidents.keys import normalise
from bot.incidents.matchers import Globs
from bot.incidents.services import spelling
from bot.incidents.subject import Scope

ScopeMatch = Annotated[
    dict[Literal["service", "region", "env"], Globs], Field(min_length=1, max_length=3)
]
"""Globs by field. Every field must match, by one of its globs."""


@dataclass(frozen=True, slots=True)
class ScopeMatcher:
    """A compiled ScopeMatch. Build it with `of`."""

    services: tuple[re.Pattern[str], ...]
    regions: tuple[re.Pattern[str], ...]
    envs: frozenset[str] | None
    declared: frozenset[str]

    @classmethod
    def of(cls, match: ScopeMatch, environments: Environments) -> ScopeMatcher:
        """Compile it; environments are compared by the declared name."""
        names = {
            name for glob in match.get("env", ()) for name in environments.fitting(folded(glob))
        }
        return cls(
            tuple(glob_pattern(_service_glob(glob)) for glob in match.get("service", ())),
            tuple(glob_pattern(normalise(glob)) for glob in match.get("region", ())),
            frozenset(map(normalise, names)) if "env" in match else None,
            frozenset(map(normalise, environments.names)),
        )

    def matches(self, scope: Scope) -> bool:
        """Return whether every field matches. A field that is unknown matches `*` only."""
        service = scope.service.partition("?")[0]  # behind it stands who a guess is of
        return (
            _fits(self.services, service) and _fits(self.regions, scope.region) and self._env(scope)
        )

    def _env(self, scope: Scope) -> bool:
        if self.envs is None or scope.env in self.envs:
            return True
        return UNKNOWN in self.envs and scope.env not in self.declared


def _fits(patterns: tuple[re.Pattern[str], ...], text: str) -> bool:
    return not patterns or any(pattern.fullmatch(text) for pattern in patterns)


def _service_glob(glob: str) -> str:
    return normalise(glob) if "*" in glob else spelling(glob)
