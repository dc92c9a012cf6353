"""Measures how often alerts find their runbook, and how often they find a wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.retrieval.embeddings import Embedder
from bot.retrieval.markdown import Document
from bot.retrieval.search import RunbookSearch
from bot.retrieval.sqlite_index import SqliteIndex
from tests.helpers.labelled_alerts import LabelledAlert, without_names

VARIANTS = ("named", "hidden", "nameless")  # alert names: given, hidden, also out of the runbooks


@dataclass(frozen=True)
class RetrievalScore:
    """Shares from 0 to 1. An alert that is refused although a runbook is about it is a miss."""

    hit_at_1: float
    hit_at_3: float
    passage_at_1: float
    false_match: float


def retrieval_score(
    documents: Sequence[Document],
    alerts: Sequence[LabelledAlert],
    variant: str,
    embedder: Embedder | None,
) -> RetrievalScore:
    """Search for each alert as in this variant, and compare with its label."""
    indexed = without_names(documents) if variant == "nameless" else documents
    paths = {new.path: old.path for new, old in zip(indexed, documents, strict=True)}
    index = SqliteIndex()
    index.replace(indexed)
    search = RunbookSearch(index, embedder)
    first = third = passage = wrong = 0
    about = [alert for alert in alerts if alert.path]
    for alert in alerts:
        hits = search.search(alert.query(named=variant == "named"), 3)
        places = [paths[hit.passage.path] for hit in hits]
        if not alert.path:
            wrong += bool(hits)
            continue
        third += alert.path in places
        if places[:1] == [alert.path]:
            first += 1
            passage += alert.heading in (None, hits[0].passage.heading)
    total, others = len(about), len(alerts) - len(about)
    index.close()
    return RetrievalScore(first / total, third / total, passage / total, wrong / others)
