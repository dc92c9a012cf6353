"""`python -m bot runbooks synonyms`: words that the store suggests for `synonyms.txt`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from bot.retrieval.learned_synonyms import JudgedPassage, LearnedPair, learned_pairs
from bot.retrieval.queries import build_query
from bot.retrieval.synonyms import read_synonyms
from bot.settings import load_store
from store import open_store
from store.admin import condition
from store.operations.cited_passages import CitedPassage

MOST_INCIDENTS = 2_000


def suggested_lines(folder: Path) -> list[str]:
    """Return the lines to review. SopbotError if there are no settings or no store."""
    passages, now = asyncio.run(_read(load_store().store_url.get_secret_value()))
    known, _problems = read_synonyms(folder)
    pairs = learned_pairs([_case(passage) for passage in passages], known, now)
    return list(_lines(pairs, len(passages)))


async def _read(url: str) -> tuple[list[CitedPassage], datetime]:
    condition.read_condition(url)  # raises if the store is unusable, and never creates one
    store = await open_store(url, owner="runbooks-synonyms")
    try:
        return await store.judged_passages(MOST_INCIDENTS), store.clock()
    finally:
        await store.close()


def _case(passage: CitedPassage) -> JudgedPassage:
    alert = passage.alert
    question = build_query(
        name=alert.name,
        title=alert.title,
        text=alert.text,
        labels=alert.labels,
        annotations=alert.annotations,
    )
    return JudgedPassage(
        passage.incident, question, passage.passage, passage.text, passage.at, passage.helped
    )


def _lines(pairs: Sequence[LearnedPair], passages: int) -> Iterator[str]:
    yield f"# From {passages:,} cited passages of which people or results said whether they helped."
    yield "# Review each line, then copy it into synonyms.txt; nothing is used before that."
    for pair in pairs:
        against = f", not in {', '.join(pair.did_not_help)}" if pair.did_not_help else ""
        yield ""
        yield f"# {pair.confidence:.0%} sure: it helped in {', '.join(pair.helped)}{against}"
        yield f"{pair.word}, {pair.of_runbooks}"
    if not pairs:
        yield "# Nothing is suggested yet."
