"""Overrides: other values of some keys, for the services, regions or environments they match."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import model_validator

from bot.policy.scope_matchers import ScopeMatch
from bot.policy.segments import CorrelateByScope, Features, LlmByScope, NotifyByScope, Segment
from bot.validation import form

OVERRIDABLE = ("features", "correlate", "notify", "llm")
"""The segments that an override may change.

Not `remediate`: the sender of an alert chooses its service, and would choose who approves.
"""


class Override(Segment):
    """Other values for the services, regions or environments that it matches."""

    name: Annotated[
        str, form(r"[a-z0-9][a-z0-9._-]{0,62}", "must be in lower case: letters, digits, '.-_'")
    ]
    match: ScopeMatch
    features: Features = Features()
    correlate: CorrelateByScope = CorrelateByScope()
    notify: NotifyByScope = NotifyByScope()
    llm: LlmByScope = LlmByScope()

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not any(True for _ in self.changes()):
            raise ValueError(f"changes nothing; it may have {', '.join(OVERRIDABLE)}")
        return self

    def changes(self) -> Iterator[tuple[str, str, Any]]:
        """Yield the segment, the key and the value of each key that it has."""
        for segment in OVERRIDABLE:
            part: Segment = getattr(self, segment)
            for key in part.model_fields_set:
                yield segment, key, getattr(part, key)
