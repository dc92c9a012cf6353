"""A fact about an incident, and a source that did not answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

RUNBOOK = "Runbook"
"""The source of a fact that is a passage of a runbook; its name is the heading and the path."""
FACT_CHARS = 600
"""Of a fact from a declared query, and of a lesson."""
FACTS_CHARS = 12_000
"""Of all facts together: a card and a prompt have room for so much."""


@dataclass(frozen=True, slots=True)
class KnownFact:
    """One fact: what `source` said at a time. `id` is how the advice can cite it (E1, E2, …).

    `url` is where people read more, '' for nowhere.
    """

    source: str
    name: str
    text: str
    at: datetime
    id: str = ""
    url: str = ""

    @property
    def key(self) -> str:
        """Return a short name of it for a button's value: an id may go to another fact later."""
        return hashlib.sha256(self.name.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class SourceFailure:
    """A source that gave no fact: `word` for people, `error` as it was."""

    source: str
    word: str
    error: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts about an incident, and the sources that failed.

    `reads` are what people can read of the incident's target by a button: `status`, `logs`.
    """

    facts: tuple[KnownFact, ...] = ()
    failures: tuple[SourceFailure, ...] = ()
    reads: tuple[str, ...] = ()

    @staticmethod
    def of(
        facts: Sequence[KnownFact], failures: Sequence[SourceFailure], limit: int = FACTS_CHARS
    ) -> Evidence:
        """Return evidence with the facts that fit into `limit` characters, each with its id."""
        kept: list[KnownFact] = []
        left = limit
        for fact in facts:
            left -= len(fact.text)
            if left < 0:
                break
            kept.append(replace(fact, id=f"E{len(kept) + 1}"))
        return Evidence(tuple(kept), tuple(failures))

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "facts": [{**asdict(fact), "at": fact.at.isoformat()} for fact in self.facts],
            "failures": [asdict(failure) for failure in self.failures],
            "reads": list(self.reads),
        }

    @staticmethod
    def from_json(body: Mapping[str, Any]) -> Evidence:
        """Return the evidence of these JSON values."""
        return Evidence(
            tuple(
                KnownFact(**{**fact, "at": datetime.fromisoformat(fact["at"])})
                for fact in body["facts"]
            ),
            tuple(SourceFailure(**failure) for failure in body["failures"]),
            tuple(body.get("reads", ())),
        )
