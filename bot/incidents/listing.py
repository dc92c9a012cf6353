"""`/incident list`: which incidents a person wants to see, and a page of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.incidents.model import Incident, Severity

MOST_TERMS, LONGEST_WORD = 5, 40


class Which(StrEnum):
    """The incidents by their status: open means not resolved."""

    OPEN = "open"
    RESOLVED = "resolved"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class ListFilter:
    """The incidents of an owner, '' for anybody's, that contain every one of the words.

    `channels` are those of a guest, to whom the others are not shown; None shows all.
    """

    which: Which = Which.OPEN
    owner: str = ""
    terms: tuple[str, ...] = ()
    channels: frozenset[str] | None = None

    @property
    def text(self) -> str:
        """The filter as a person types it."""
        which = () if self.which is Which.OPEN else (str(self.which),)
        return " ".join((*which, *(("mine",) if self.owner else ()), *self.terms))


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """A page of a list. `places` has the channel and the ts of each card that is posted.

    `more`: others follow. `counts` are of all open incidents that the person may read.
    """

    incidents: Sequence[Incident]
    places: Mapping[int, tuple[str, str]]
    more: bool
    counts: Mapping[Severity, int]


def parse_filter(text: str, user: str, channels: frozenset[str] | None = None) -> ListFilter:
    """Read `mine`, `resolved`, `all` in any order, and words that the incident has to contain."""
    which, owner = Which.OPEN, ""
    terms = text.split()
    while terms and (word := terms[0].lower()) in ("mine", *Which):
        if word == "mine":
            owner = user
        else:
            which = Which(word)
        terms = terms[1:]
    kept = tuple(word[:LONGEST_WORD] for word in terms[:MOST_TERMS])
    return ListFilter(which, owner, kept, channels)
