"""Sends all queries to all declared sources at once.

A source that is late or fails is named, and holds up neither the others nor its own other queries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import aiohttp

from bot.enrichment.http import SourceError
from bot.enrichment.kubernetes.about import About
from bot.enrichment.kubernetes.api import ClusterApi
from bot.enrichment.kubernetes.collect import collect
from bot.enrichment.kubernetes.fitting import fit
from bot.enrichment.kubernetes.source import is_name
from bot.enrichment.model import FACT_CHARS, Evidence, KnownFact, SourceFailure
from bot.enrichment.segment import EvidenceSource, filled
from bot.enrichment.sources import ask

ERROR_CHARS = 500
AT_ONCE = 2
"""Queries of one source: a query of Prometheus is six requests, and a source that hangs holds all
of their connections until it is late."""
CLUSTER_CHARS = 8_000  # of the facts of one cluster
_Answer = KnownFact | SourceFailure


async def gather(
    session: aiohttp.ClientSession,
    sources: Sequence[EvidenceSource],
    values: Mapping[str, str],
    now: datetime,
    *,
    seconds: float,
    about: About | None = None,
) -> Evidence:
    """Return the facts of every source that answered within `seconds`.

    `values` are the parts of the alert's subject that queries may name. A cluster is asked `about`
    an alert with a namespace, and its facts come after those of the other sources.
    """

    slots = {source.name: asyncio.Semaphore(AT_ONCE) for source in sources}

    async def answered(source: EvidenceSource, name: str, query: str) -> _Answer:
        try:
            async with asyncio.timeout(seconds), slots[source.name]:
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
    in_clusters = [
        _of_cluster(session, source, about, now, seconds)
        for source in sources
        if source.kind == "kubernetes" and about is not None and is_name(about.namespace)
    ]
    answers, clusters = await asyncio.gather(asyncio.gather(*queries), asyncio.gather(*in_clusters))
    answers += [answer for cluster in clusters for answer in cluster]
    failures: dict[str, SourceFailure] = {}
    for answer in answers:
        if isinstance(answer, SourceFailure):
            failures.setdefault(answer.source, answer)  # one word a source is enough
    facts = [answer for answer in answers if isinstance(answer, KnownFact) and answer.text]
    return Evidence.of(facts, list(failures.values()))


async def _of_cluster(
    session: aiohttp.ClientSession,
    source: EvidenceSource,
    about: About,
    now: datetime,
    seconds: float,
) -> list[_Answer]:
    findings = await collect(ClusterApi(session, source, seconds), about)
    fitted = fit(findings.parts, CLUSTER_CHARS, heading=0)
    answers: list[_Answer] = [KnownFact(source.name, name, text, now) for name, text in fitted]
    if findings.missing:
        named = [f"{name}: {word}" for name, word in findings.missing.items()]
        word = next(iter(findings.missing.values()))
        answers.append(SourceFailure(source.name, word, "; ".join(named)[:ERROR_CHARS]))
    return answers


def _error(name: str, error: Exception) -> str:
    return f"{name}: {type(error).__name__}: {error}"[:ERROR_CHARS]
