"""Matchers: which alerts a route, a silence or a maintenance window is about.

A matcher matches an alert if all its keys match, each by one of its globs.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.incidents.environments import Environments, environment_glob, folded
from bot.incidents.globs import glob_pattern
from bot.incidents.model import Alert
from bot.incidents.sop_keys import Key, SpelledAlert, read_key
from bot.validation import form

FIELDS = ("service", "env", "severity", "category", "region", "name", "source")
LABEL = "label."


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


MatchKey = Annotated[
    str,
    form(
        rf"{'|'.join(FIELDS)}|{re.escape(LABEL)}\S+",
        f"not a key of a matcher; known: {', '.join(FIELDS)}, {LABEL}NAME",
    ),
]
Glob = Annotated[str, form(r"[\s\S]*\S[\s\S]*", "must not be empty"), Field(max_length=200)]
_GlobList = Annotated[tuple[Glob, ...], Field(min_length=1, max_length=100)]
Globs = Annotated[_GlobList, BeforeValidator(_as_list, json_schema_input_type=Glob | _GlobList)]


class Matcher(BaseModel):
    """One matcher. A key of `match` has one glob or several, of which one must match."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    match: dict[MatchKey, Globs] = Field(min_length=1)

    @model_validator(mode="after")
    def _can_match(self) -> Self:
        _ = self._env, self._keys  # ValueError for a glob that no alert can match
        return self

    def matches(self, alert: Alert, spellings: SpelledAlert, environments: Environments) -> bool:
        """Return whether every key of `match` matches the alert."""
        return (
            all(any(key.fits(spellings) for key in keys) for keys in self._keys.values())
            and all(
                (text := _text_of(alert, name)) is not None
                and any(pattern.fullmatch(text) for pattern in patterns)
                for name, patterns in self._patterns.items()
            )
            and (not self._env or self._matches_env(spellings.subject.env, environments))
        )

    def undeclared(self, environments: Environments) -> tuple[str, ...]:
        """Return the globs of `env` that no declared environment fits: they can never match."""
        globs = self.match.get("env", ())
        return tuple(glob for glob in globs if not environments.fitting(folded(glob)))

    def _matches_env(self, env: str, environments: Environments) -> bool:
        name = environments.name_of(env)
        return any(environments.fits(name, glob) for glob in self._env)

    @cached_property
    def _env(self) -> tuple[str, ...]:
        return tuple(environment_glob(glob) for glob in self.match.get("env", ()))

    @cached_property
    def _keys(self) -> dict[str, tuple[Key, ...]]:
        """The keys that an SOP has too, which match in the same spellings there and here."""
        return {
            name: tuple(read_key(f"{name}:{glob}") for glob in globs)
            for name, globs in self.match.items()
            if name in FIELDS and name not in ("env", "source")
        }

    @cached_property
    def _patterns(self) -> dict[str, tuple[re.Pattern[str], ...]]:
        return {
            name: tuple(glob_pattern(folded(glob)) for glob in globs)
            for name, globs in self.match.items()
            if name not in FIELDS or name == "source"
        }


def _text_of(alert: Alert, name: str) -> str | None:
    """Return the alert's source or label in the spelling for comparison; None if it has none."""
    text = alert.source if name == "source" else alert.labels.get(name.removeprefix(LABEL))
    return None if text is None else folded(text)
