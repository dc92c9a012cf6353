"""Learns which words of alerts mean what words of runbooks mean, from what helped. Pure.

A pair is only shown: it changes a search once the operator writes it into `synonyms.txt`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.retrieval.queries import TITLE, Query
from bot.retrieval.synonyms import Synonyms
from bot.retrieval.tokens import terms

HALF_LIFE = timedelta(days=90)  # as in the outcome ledger: a service changes
LEAST = 2  # incidents in which a pair helped
LEAST_CONFIDENCE = 0.7
_MOST_WORDS = 8  # of an alert, and of a heading: the pairs are their product


@dataclass(frozen=True, slots=True)
class JudgedPassage:
    """A passage that was cited for an alert. `passage` is its heading and path, `text` its text."""

    incident: str
    query: Query
    passage: str
    text: str
    at: datetime
    helped: bool


@dataclass(frozen=True, slots=True)
class LearnedPair:
    """A word of alerts and one of runbooks, with the incidents in which the passage helped, and
    those in which it did not. `confidence` is between 0 and 1; an old case counts less.
    """

    word: str
    of_runbooks: str
    helped: tuple[str, ...]
    did_not_help: tuple[str, ...]
    confidence: float


def learned_pairs(
    cases: Sequence[JudgedPassage], known: Synonyms, now: datetime
) -> list[LearnedPair]:
    """Return the pairs that helped often enough and are not `known` yet, the surest first."""
    by_pair: dict[tuple[str, str], list[JudgedPassage]] = {}
    for case in cases:
        for pair in _pairs(case, known):
            by_pair.setdefault(pair, []).append(case)
    judged = [_judged(word, other, of, now) for (word, other), of in by_pair.items()]
    learned = [
        pair for pair in judged if len(pair.helped) >= LEAST and pair.confidence >= LEAST_CONFIDENCE
    ]
    return sorted(learned, key=lambda pair: (-pair.confidence, pair.word, pair.of_runbooks))


def _pairs(case: JudgedPassage, known: Synonyms) -> Iterator[tuple[str, str]]:
    """Yield the words of the alert that the passage lacks, with those of its heading that the
    alert lacks.
    """
    weights = case.query.weights
    of_passage = set(known.of(terms(f"{case.passage}\n{case.text}")))
    of_alert = set(known.of(weights))
    missing = [
        word
        for word, weight in weights.items()
        if weight >= TITLE and known.of([word])[0] not in of_passage
    ]
    missing = [word for word in missing if not _joins(word, weights)]
    heading = dict.fromkeys(terms(case.passage.rpartition(" (")[0] or case.passage))
    others = [word for word in heading if known.of([word])[0] not in of_alert]
    for word in missing[:_MOST_WORDS]:
        for other in others[:_MOST_WORDS]:
            # A stem that is no word of its own cannot stand in the file.
            if terms(word) == [word] and terms(other) == [other]:
                yield word, other


def _joins(word: str, others: Collection[str]) -> bool:
    """Return True for a whole identifier, `mailboxoverflow`, whose parts are words too."""
    return any(word.startswith(other) and word.removeprefix(other) in others for other in others)


def _judged(word: str, other: str, cases: Sequence[JudgedPassage], now: datetime) -> LearnedPair:
    good = {case.incident: _weight(case, now) for case in cases if case.helped}
    bad = {case.incident: _weight(case, now) for case in cases if not case.helped}
    helped, did_not = sum(good.values()), sum(bad.values())
    return LearnedPair(
        word=word,
        of_runbooks=other,
        helped=tuple(sorted(good)),
        did_not_help=tuple(sorted(bad)),
        confidence=(helped + 1) / (helped + did_not + 2),
    )


def _weight(case: JudgedPassage, now: datetime) -> float:
    return float(0.5 ** ((now - case.at) / HALF_LIFE))
