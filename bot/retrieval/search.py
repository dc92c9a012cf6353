"""Finds the passages that an alert is about: ranks, fuses, applies the floor.

Three rankings fail differently: a whole document collects words from unrelated sections, a passage
lacks those of its neighbours, and vectors take neighbouring faults for the same one. Reciprocal
rank fusion takes what they agree on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.retrieval.embeddings import Embedder
from bot.retrieval.index import Index, PassageRow
from bot.retrieval.model_vectors import ModelVectors
from bot.retrieval.queries import TITLE, Query
from bot.retrieval.similarity import Comparison, Similarity
from bot.retrieval.synonyms import NO_SYNONYMS, Synonyms

RANKED = 50  # documents, and passages, of each ranking
FUSION_OFFSET = 10  # of reciprocal rank fusion: how little the first rank beats the second
MOST_TERMS = 20  # of a query; the rarest and heaviest ones
MOST_SHARE = 0.25  # of all passages: a term in more of them only costs time
FEW = 200  # passages: so few cost no time
WINDOW_CHARS = 2_000  # of neighbouring passages that are judged together

# Chosen on the tuning half of tests/retrieval, judged on the other half.
COVERAGE_SHARE = 0.5  # how much coverage counts beside the cosine
FIT_FLOOR = 0.59  # cosine and coverage together
COVERAGE_FLOOR = 0.4  # coverage alone, without vectors


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage of a document; `score` ranks it, from 0 to 1; `fits` by the floor."""

    passage: PassageRow
    score: float
    fits: bool


class RunbookSearch:
    """Searches one index; build another one when the index changes."""

    def __init__(
        self,
        index: Index,
        embedder: Embedder | None = None,
        synonyms: Synonyms = NO_SYNONYMS,
        model_vectors: ModelVectors | None = None,
    ) -> None:
        self._synonyms = synonyms
        self._model_vectors = model_vectors
        self._index = index
        self._rows = index.rows()
        self._frequencies = index.frequencies()
        self._similarity = (
            Similarity(index, self._rows, embedder) if embedder and self._rows else None
        )
        passages: dict[int, list[PassageRow]] = {}
        for row in self._rows:
            passages.setdefault(row.document, []).append(row)
        self._passages = passages
        self._windows: dict[int, list[frozenset[str]]] = {}

    @property
    def has_vectors(self) -> bool:
        """Return True if vectors judge what fits."""
        return self._similarity is not None

    def search(self, query: Query, limit: int = 10) -> list[Hit]:
        """Return the best passage of each document, best first; [] if the best does not fit."""
        weights = self._synonyms.weights_of(query.weights)
        ranking = self._index.rank(_repeated(self._rarest(weights)), RANKED)
        near = self._similarity.compare(query.text, 4 * RANKED) if self._similarity else None
        rankings = [ranking.documents, self._documents_of(ranking.passages)]
        passages = _ranks(ranking.passages)
        by_model = (
            self._model_vectors.nearest(query.text, 4 * RANKED) if self._model_vectors else []
        )
        for nearest in (near.nearest if near else (), by_model):
            if nearest:
                rankings.append(self._documents_of(nearest)[:RANKED])
            for number, score in _ranks(nearest).items():
                passages[number] = passages.get(number, 0.0) + score
        scores: dict[int, float] = {}
        for documents in rankings:
            for document, score in _ranks(documents).items():
                scores[document] = scores.get(document, 0.0) + score
        core = set(self._synonyms.of(query.core))
        rare = {term: weights[term] * self._rarity(term) for term in core}
        best = sorted(scores, key=lambda document: (-scores[document], document))[:limit]
        most = len(rankings) / FUSION_OFFSET
        hits = [
            Hit(
                self._best_passage(document, passages),
                scores[document] / most,
                self._fits(rare, document, near),
            )
            for document in best
        ]
        return hits if hits and hits[0].fits else []

    def _best_passage(self, document: int, scores: Mapping[int, float]) -> PassageRow:
        """Return the best one that has a text: a title alone tells a reader nothing."""
        rows = self._passages[document]
        with_text = [row for row in rows if row.text]
        return max(with_text or rows, key=lambda row: scores.get(row.id, 0.0))

    def _documents_of(self, passages: Sequence[int]) -> list[int]:
        """Return the documents of the passages, each at its first one."""
        return list(dict.fromkeys(self._rows[number].document for number in passages))

    def _fits(self, rare: Mapping[str, float], document: int, near: Comparison | None) -> bool:
        coverage = self.coverage(rare, document)
        if near is None:
            return coverage >= COVERAGE_FLOOR
        cosine = max(near.cosines[row.id] for row in self._passages[document])
        return cosine + COVERAGE_SHARE * coverage >= FIT_FLOOR

    def _rarest(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Return the terms that tell documents apart, the rarest and heaviest of them."""
        most = max(FEW, MOST_SHARE * len(self._rows))
        known = {
            term: weight
            for term, weight in weights.items()
            if 0 < self._frequencies.get(term, 0) <= most
        }
        ordered = sorted(known, key=lambda term: (-known[term] * self._rarity(term), term))
        return {term: known[term] for term in ordered[:MOST_TERMS]}

    def _rarity(self, term: str) -> float:
        frequency = self._frequencies.get(term, 0)
        return math.log(1 + (len(self._rows) - frequency + 0.5) / (frequency + 0.5))

    def coverage(self, weights: Mapping[str, float], document: int) -> float:
        """Return the share of the weights whose terms stand in one part of the document.

        A part, not the whole: a long document has words of everything.
        """
        if document not in self._windows:
            self._windows[document] = list(_windows(self._passages[document]))
        total = sum(weights.values())
        if not total:
            return 0.0
        return (
            max(
                sum(weight for term, weight in weights.items() if term in window)
                for window in self._windows[document]
            )
            / total
        )


def _windows(rows: Sequence[PassageRow]) -> Iterator[frozenset[str]]:
    """Yield the terms of neighbouring passages together, up to `WINDOW_CHARS` of text."""
    terms: set[str] = set()
    size = 0
    for row in rows:
        if size and size + len(row.text) > WINDOW_CHARS:
            yield frozenset(terms)
            terms, size = set(), 0
        terms |= row.terms
        size += len(row.text)
    yield frozenset(terms)


def _ranks(numbers: Sequence[int]) -> dict[int, float]:
    """Return the share of each in reciprocal rank fusion."""
    return {number: 1 / (FUSION_OFFSET + rank) for rank, number in enumerate(numbers)}


def _repeated(weights: Mapping[str, float]) -> Sequence[str]:
    """Return the terms; those of an alert's name and title twice, so that they count twice."""
    return [term for term, weight in weights.items() for _ in range(2 if weight >= TITLE else 1)]
