"""Finds the passages that an alert is about: ranks, fuses, applies the floor.

The two rankings fail differently: a whole document collects words from unrelated sections, a
passage lacks those of its neighbours. Reciprocal rank fusion takes what both rank well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.retrieval.index import Index, PassageRow
from bot.retrieval.queries import TITLE, Query

RANKED = 50  # documents, and passages, of each ranking
FUSION_OFFSET = 10  # of reciprocal rank fusion: how little the first rank beats the second
MOST_TERMS = 32  # of a query; the most telling ones
MOST_SHARE = 0.4  # of all passages: a term in more of them only costs time
COVERAGE_FLOOR = 0.35  # of the alert's telling terms that a document must hold
UNKNOWN_SHARE = 0.6  # how much a term that no runbook has counts against all of them


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that fits, and how well: from 0 to 1."""

    passage: PassageRow
    score: float


class RunbookSearch:
    """Searches one index; it is built again when the index changes."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._rows = index.rows()
        self._frequencies = index.frequencies()
        self._terms_of_document: dict[int, frozenset[str]] = {}
        self._passages_of: dict[int, list[PassageRow]] = {}
        for row in self._rows:
            self._passages_of.setdefault(row.document, []).append(row)

    def search(self, query: Query, limit: int = 10) -> list[Hit]:
        """Return the best passage of each document that fits, best first; [] if none fits."""
        weights = self._rarest(query.weights)
        ranking = self._index.rank(_repeated(weights), RANKED)
        scores: dict[int, float] = {}
        for rank, document in enumerate(ranking.documents):
            scores[document] = scores.get(document, 0.0) + 1 / (FUSION_OFFSET + rank)
        best: dict[int, int] = {}
        for passage in ranking.passages:
            document = self._rows[passage].document
            if document not in best:
                best[document] = passage
                scores[document] = scores.get(document, 0.0) + 1 / (FUSION_OFFSET + len(best) - 1)
        top = 2 / FUSION_OFFSET
        hits = [
            Hit(
                self._rows[best[document]] if document in best else self._first(document),
                score / top,
            )
            for document, score in sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        ][:limit]
        if not hits or self.coverage(query, hits[0].passage.document) < COVERAGE_FLOOR:
            return []
        return hits

    def _first(self, document: int) -> PassageRow:
        return self._passages_of[document][0]

    def _rarest(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Return the terms that tell documents apart, the rarest and heaviest of them."""
        most = max(3.0, MOST_SHARE * len(self._rows))
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

    def coverage(self, query: Query, document: int) -> float:
        """Return the share of the alert's rare-term weight that the document's terms have."""
        if document not in self._terms_of_document:
            rows = self._passages_of[document]
            self._terms_of_document[document] = frozenset().union(*(row.terms for row in rows))
        held = self._terms_of_document[document]
        covered = total = 0.0
        for term in query.core:
            weight = query.weights[term] * self._rarity(term)
            if term not in self._frequencies:
                weight *= UNKNOWN_SHARE
            total += weight
            covered += weight if term in held else 0.0
        return covered / total if total else 0.0


def _repeated(weights: Mapping[str, float]) -> Sequence[str]:
    """Return the terms; those of an alert's name and title twice, so that they count twice."""
    return [term for term, weight in weights.items() for _ in range(2 if weight >= TITLE else 1)]
