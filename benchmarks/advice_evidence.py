"""`advice.evidence`: all that an advice is based on, gathered, stored and within its limit.

An incident's evidence is gathered as for the advisor: from its own history, 300 lessons, runbooks,
and six sources, servers on real sockets, of which two never answer. The others give more text than
an advice may have. The floor is the same without sources.
"""

from __future__ import annotations

import time
from contextlib import AsyncExitStack

import aiohttp
from aiohttp import web

from benchmarks.noise_enrichment import four_answer_two_hang
from benchmarks.results import Bar, Result, percentile
from bot.configuration import Configuration
from bot.enrichment.model import FACTS_CHARS
from bot.enrichment.segment import EvidenceSource
from bot.policy.model import Policy
from bot.response.enrichment import Enrichment
from store import open_store
from tests.helpers.builders import ANA, NOW, alert, deliver
from tests.helpers.incident_bench import Bench

ROUNDS = 20
LESSONS = 300
MS = 1000.0
LONG = "x" * 700  # a label of each value, or a line of a log: more than a fact may have


async def _answer(request: web.Request) -> web.Response:
    kind, entry = "vector", {"metric": {"job": LONG}, "value": [0, "0.078"]}
    if "loki" in request.path:
        kind, entry = (
            "streams",
            {"stream": {"job": "web"}, "values": [["1700000000000000000", LONG]]},
        )
    return web.json_response({"status": "success", "data": {"resultType": kind, "result": [entry]}})


def _source(name: str, url: str) -> EvidenceSource:
    """A Prometheus with four queries, or a Loki with eight: six requests a query, and one."""
    if name in ("s0", "s1", "s4"):
        queries = {f"q{number}": 'up{service="{{service}}"}' for number in range(4)}
        return EvidenceSource(name=name, kind="prometheus", url=url, queries=queries)
    queries = {f"q{number}": '{service="{{service}}"} |= "error"' for number in range(8)}
    return EvidenceSource(name=name, kind="loki", url=url, queries=queries)


async def run() -> list[Result]:
    """Return the 95th percentile of the gathering, in milliseconds, and the most characters."""
    async with AsyncExitStack() as parts:
        session = await parts.enter_async_context(aiohttp.ClientSession())
        urls = await parts.enter_async_context(four_answer_two_hang(_answer))
        store = await open_store("sqlite://", owner="bot-a")
        parts.push_async_callback(store.close)
        bench = Bench(store)
        enrichment: Enrichment = bench.service.advice_queue._enrichment  # noqa: SLF001 - the bench asks it alone
        enrichment._session = session  # noqa: SLF001 - as the bot has one
        number = await deliver(bench.store, alert(fingerprint="watched"))
        for lesson in range(LESSONS):
            text = f"CPU of web at 93 % was lesson {lesson}: the pool of workers was too large."
            await bench.store.add_lesson(number, f"Lesson{lesson}", text, ANA, str(lesson), NOW)
        library = enrichment._memory._library  # noqa: SLF001 - to fill its index
        parts.push_async_callback(library.close)
        await library.load()
        sources = tuple(_source(f"s{place}", url) for place, url in enumerate(urls))
        await enrichment.evidence_of(await bench.store.advice_context(number))  # fills the index
        floor, _chars = await _timed(bench, number)
        policy = Policy()
        llm = policy.llm.model_copy(update={"sources": sources})
        bench.service.config.current = Configuration(policy.model_copy(update={"llm": llm}))
        taken, chars = await _timed(bench, number)
    most = Result("advice.evidence.characters", chars, "", None, Bar(FACTS_CHARS))
    p95, least = percentile(taken, 0.95), percentile(floor, 0.95)
    return [Result("advice.evidence", p95, "ms", least, Bar(700, "ms"), covers=(most,)), most]


async def _timed(bench: Bench, number: int) -> tuple[list[float], int]:
    taken, most = [], 0
    enrichment: Enrichment = bench.service.advice_queue._enrichment  # noqa: SLF001 - the bench asks it alone
    for _ in range(ROUNDS):
        context = await bench.store.advice_context(number)
        began = time.perf_counter()
        evidence = await enrichment.evidence_of(context)
        taken.append((time.perf_counter() - began) * MS)
        most = max(most, sum(len(fact.text) for fact in evidence.facts))
        sources = bench.service.config.current.policy.llm.sources
        late = [failure.word for failure in evidence.failures]
        if late != (["late", "late"] if sources else []):
            raise AssertionError(f"not two late sources: {evidence.failures}")
    return taken, most
