"""The policy's routes: which Slack channel gets the card of an alert that no message brought.

A route matches an alert if all its keys match. The first route that matches decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import combinations
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.incidents.environments import Environments, environment_glob, folded
from bot.incidents.model import Alert
from bot.incidents.sop_keys import Key, SpelledAlert, glob_pattern, read_key, spelled
from bot.validation import FieldProblem, form

FIELDS = ("service", "env", "severity", "category", "region", "name", "source")
LABEL = "label."


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


MatchKey = Annotated[
    str,
    form(
        rf"{'|'.join(FIELDS)}|{re.escape(LABEL)}\S+",
        f"not a key of a route; known: {', '.join(FIELDS)}, {LABEL}NAME",
    ),
]
Glob = Annotated[str, form(r"(?s).*\S.*", "must not be empty"), Field(max_length=200)]
Globs = Annotated[tuple[Glob, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=100)]
ChannelId = Annotated[
    str, form(r"[CG][A-Z0-9]{2,}", "must be a channel id such as C0123ABCD, not a name")
]


class Route(BaseModel):
    """One route. A key of `match` has one glob or several, of which one must match."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    match: dict[MatchKey, Globs] = Field(min_length=1)
    channel: ChannelId

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
            and (not self._env or self._matches_env(alert, environments))
        )

    def _matches_env(self, alert: Alert, environments: Environments) -> bool:
        name = environments.name_of(alert.env)
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


def channel_of(routes: Sequence[Route], alert: Alert, environments: Environments) -> str:
    """Return the channel of the first route that matches the alert; '' if none does."""
    if not routes:
        return ""
    spellings = spelled(alert, environments)
    matching = (route for route in routes if route.matches(alert, spellings, environments))
    return next((route.channel for route in matching), "")


def dead_routes(routes: Sequence[Route], environments: Environments) -> Iterator[FieldProblem]:
    """Yield a problem for each route that can never decide: its environment is undeclared, or an
    earlier route matches everything that it matches.
    """
    declared = ", ".join(environments.names)
    for place, route in enumerate(routes):
        for glob in route.match.get("env", ()):
            if not environments.fitting(folded(glob)):
                yield FieldProblem(
                    ("ingest", "routes", place, "match", "env"),
                    f"no declared environment is {glob!r}, so it can never match;"
                    f" declare it under remediate.environments, which has: {declared}",
                    "unknown_environment",
                )
    for (place, earlier), (later_place, later) in combinations(enumerate(routes), 2):
        if _covers(earlier, later):
            yield FieldProblem(
                ("ingest", "routes", later_place),
                f"can never decide: route {place} above it matches the same alerts",
                "covered_route",
            )


def _covers(earlier: Route, later: Route) -> bool:
    return all(
        name in later.match and _all_in(later.match[name], globs)
        for name, globs in earlier.match.items()
    )


def _all_in(globs: Iterable[str], others: Iterable[str]) -> bool:
    known = {folded(glob) for glob in others}
    return "*" in known or {folded(glob) for glob in globs} <= known
