"""The whole policy: its segments, and the values of them that hold for a service."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from bot.approvals.segment import Remediate
from bot.incidents.subject import Scope
from bot.policy.overrides import Override
from bot.policy.scope_matchers import ScopeMatcher
from bot.policy.segments import (
    Correlate,
    Detect,
    Features,
    Ingest,
    Llm,
    Notify,
    Privacy,
    Retention,
    Segment,
    Slo,
)
from bot.validation import form

SCHEMA_VERSION = "3.0"
MOST_INCLUDES = 32
MOST_OVERRIDES = 200
MOST_SCOPES = 4000  # of which the overrides that match are remembered
MOST_COMBINATIONS = 1000  # of overrides; a sender chooses the names that they match


SchemaVersion = Annotated[
    str,
    form(re.escape(SCHEMA_VERSION), f'must be "{SCHEMA_VERSION}", the form that this bot reads'),
]
ProfileName = Literal["poc", "core-fast", "full"]
IncludedFile = Annotated[
    str,
    form(
        r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*\.ya?ml",
        "must be a YAML file in or below the folder of this one, as segments/notify.yaml",
    ),
]


class Policy(Segment):
    """The whole policy. `includes` are the files that the main file names."""

    schema_version: SchemaVersion = SCHEMA_VERSION
    profile: ProfileName = "full"
    includes: tuple[IncludedFile, ...] = Field(default=(), max_length=MOST_INCLUDES)
    features: Features = Features()
    ingest: Ingest = Ingest()
    detect: Detect = Detect()
    correlate: Correlate = Correlate()
    notify: Notify = Notify()
    remediate: Remediate = Remediate()
    llm: Llm = Llm()
    retention: Retention = Retention()
    privacy: Privacy = Privacy()
    slo: Slo = Slo()
    overrides: tuple[Override, ...] = Field(default=(), max_length=MOST_OVERRIDES)

    @model_validator(mode="after")
    def _remembers_what_it_reads(self) -> Self:
        days = min(self.retention.deliveries_days, self.retention.alerts_days)
        if self.ingest.read_back_hours > days * 24:
            raise ValueError(
                "ingest.read_back_hours: alerts that are forgotten by then would come again;"
                " keep it below retention.deliveries_days and retention.alerts_days"
            )
        return self

    def for_scope(self, scope: Scope) -> Self:
        """Return the policy for an alert or an incident of that scope."""
        matching = self._overrides_of(scope)
        if not matching:
            return self
        names = tuple(override.name for override in matching)
        if names not in self._by_overrides:
            if len(self._by_overrides) >= MOST_COMBINATIONS:
                self._by_overrides.clear()
            self._by_overrides[names] = self._with(matching)
        return self._by_overrides[names]

    def decided_by(self, scope: Scope, segment: str, key: str) -> str:
        """Return the name of the override that sets the key for that scope; '' if none does."""
        for override in self._overrides_of(scope):
            if any(change[:2] == (segment, key) for change in override.changes()):
                return override.name
        return ""

    def values_of(self, segment: str, key: str) -> frozenset[Any]:
        """Return the value of the key, and that of each override that sets it."""
        changes = (change for override in self.overrides for change in override.changes())
        others = {value for *place, value in changes if place == [segment, key]}
        return frozenset({getattr(getattr(self, segment), key), *others})

    def _overrides_of(self, scope: Scope) -> tuple[Override, ...]:
        if not self.overrides:
            return ()
        place = (scope.service, scope.region, scope.env)
        if place not in self._matching:
            if len(self._matching) >= MOST_SCOPES:
                self._matching.clear()
            matching = (override for override, matcher in self._matchers if matcher.matches(scope))
            self._matching[place] = tuple(matching)
        return self._matching[place]

    def _with(self, overrides: Iterable[Override]) -> Self:
        changed: dict[str, dict[str, Any]] = {}
        for override in overrides:
            for segment, key, value in override.changes():
                changed.setdefault(segment, {}).setdefault(key, value)
        segments = {
            segment: getattr(self, segment).model_copy(update=values)
            for segment, values in changed.items()
        }
        return self.model_copy(update={**segments, "overrides": ()})

    @cached_property
    def _matchers(self) -> tuple[tuple[Override, ScopeMatcher], ...]:
        declared = self.remediate.declared
        return tuple((item, ScopeMatcher.of(item.match, declared)) for item in self.overrides)

    @cached_property
    def _matching(self) -> dict[tuple[str, str, str], tuple[Override, ...]]:
        """The overrides that match, by service, region and environment."""
        return {}

    @cached_property
    def _by_overrides(self) -> dict[tuple[str, ...], Self]:
        """The policies of `for_scope` so far: as many as combinations of overrides that match."""
        return {}
