"""Sends all queries to all declared sources at once.

A source that is late or fails is named, and holds up neither the others nor its own other queries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import aiohttp

from bot.enrichment.model import FACT_CHARS, Evidence, KnownFact, SourceFailure
from bot.enrichment.segment import EvidenceSource, filled
from bot.enrichment.sources import SourceError, ask

ERROR_CHARS = 500
_Answer = KnownFact | SourceFailure


async def gather(
    session: aiohttp.ClientSession,
    sources: Sequence[EvidenceSource],
    values: Mapping[str, str],
    now: datetime,
    *,
    seconds: float,
) -> Evidence:
    """Return the facts of every source that answered within `seconds`.

    `values` are the parts of the alert's subject that queries may name.
    """

    async def answered(source: EvidenceSource, name: str, query: str) -> _Answer:
        try:
            async with asyncio.timeout(seconds):
                text = await ask(session, source, query, values, now)
        except TimeoutError:
            return SourceFailure(source.name, "late", f"{name}: no answer within {seconds:g} s")
        except aiohttp.ClientError as error:
            return SourceFailure(source.name, "unreachable", _error(name, error))
        except (SourceError, ValueError, LookupError, TypeError, AttributeError) as error:
            return SourceFailure(source.name, "failed", _error(name, error))
        return KnownFact(source.name, name, text[:FACT_CHARS], now)

    queries = [
        answered(source, name, query)
        for source in sources
        for name, template in source.queries.items()
        if (query := filled(template, dict(values), source.kind)) is not None
    ]
    answers = await asyncio.gather(*queries)
    failures: dict[str, SourceFailure] = {}
    for answer in answers:
        if isinstance(answer, SourceFailure):
            failures.setdefault(answer.source, answer)  # one word a source is enough
    facts = [answer for answer in answers if isinstance(answer, KnownFact) and answer.text]
    return Evidence.of(facts, list(failures.values()))


def _error(name: str, error: Exception) -> str:
    return f"{name}: {type(error).__name__}: {error}"[:ERROR_CHARS]
