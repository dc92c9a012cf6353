"""`advice.retrieval`: how well and how fast an alert finds its runbook.

The judging half of the labelled alerts (tests/retrieval), with their names hidden. The time is the
thread's processor time of a query over 5,000 passages; its floor is the same query without vectors.
"""

from __future__ import annotations

import dataclasses
import random
import re
import time
from collections.abc import Sequence

from benchmarks.results import Bar, Result
from bot.retrieval.embeddings import Embedder, load_embedder
from bot.retrieval.folder import read_folder
from bot.retrieval.markdown import Document, Passage
from bot.retrieval.search import RunbookSearch
from bot.retrieval.sqlite_index import SqliteIndex
from tests.helpers.labelled_alerts import RUNBOOKS, labelled_alerts
from tests.helpers.retrieval_score import VARIANTS, retrieval_score

PASSAGES = 5_000
ROUNDS = 5
SEED = 14
MS = 1000.0
CHANGED = 0.5  # of the words of a copied runbook


async def run() -> list[Result]:
    """Return the shares of each variant, with and without vectors, and the time of a query."""
    documents = read_folder(RUNBOOKS)[0]
    alerts = labelled_alerts("judging")
    lines: list[Result] = []
    for name, embedder in (("", load_embedder()), ("lexical.", None)):
        for variant in VARIANTS:
            score = retrieval_score(documents, alerts, variant, embedder)
            judged = variant == "hidden" and not name
            bars = (Bar(0.85, at_least=True), Bar(0.96, at_least=True), None, Bar(0.05))
            lines += [
                Result(
                    f"advice.retrieval.{name}{variant}.{field}",
                    share,
                    "share",
                    bar=bar if judged else None,
                )
                for (field, share), bar in zip(dataclasses.asdict(score).items(), bars, strict=True)
            ]
    many = _many(documents)
    floor = _milliseconds(many, None)
    taken = _milliseconds(many, load_embedder())
    return [*lines, Result("advice.retrieval", taken, "ms", floor, Bar(5.0, "ms"))]


def _milliseconds(documents: Sequence[Document], embedder: Embedder | None) -> float:
    """Return the processor time of one query, in the quickest round."""
    index = SqliteIndex()
    index.replace(documents)
    search = RunbookSearch(index, embedder)
    alerts = labelled_alerts("judging")
    times = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for alert in alerts:
            search.search(alert.query())
        times.append((time.thread_time() - began) / len(alerts) * MS)
    return min(times)


def _many(documents: Sequence[Document]) -> list[Document]:
    """Copy the runbooks, each time with other words, until there are enough passages."""
    rng = random.Random(SEED)
    passages = [passage for document in documents for passage in document.passages]
    vocabulary = sorted({word for passage in passages for word in re.findall(r"\w+", passage.text)})
    many = list(documents)
    while sum(len(document.passages) for document in many) < PASSAGES:
        copy = rng.choice(documents)
        changed = tuple(_changed(passage, vocabulary, rng) for passage in copy.passages)
        many.append(dataclasses.replace(copy, path=f"{len(many)}/{copy.path}", passages=changed))
    return many


def _changed(passage: Passage, vocabulary: Sequence[str], rng: random.Random) -> Passage:
    text = " ".join(
        rng.choice(vocabulary) if rng.random() < CHANGED else word for word in passage.text.split()
    )
    return dataclasses.replace(passage, text=text)
