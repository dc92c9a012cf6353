"""`noise.correlation`: the processor time of a decision, by the number of open incidents.

A decision is everything from the identified alert to the incident that it joins or opens: reading
the candidates, the rules, and the place in a cascade. A third of the alerts joins by its scope, a
third is a symptom or a declared call of an open incident, a third opens a root.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.open_incidents import identified, open_many
from benchmarks.results import Bar, Result
from bot.incidents.cascades import Calls
from bot.incidents.correlation import IdentifiedAlert, Verdict, decide
from bot.incidents.model import Alert, AlertStatus, Severity
from bot.policy import Policy
from store import open_store
from store.operations import cascades
from store.operations.candidates import candidate, candidates
from store.operations.delivery_context import DeliveryContext
from store.statements import Operation

OPEN = (100, 10_000, 100_000)  # incidents
JUDGED_FROM = 10_000  # fewer are measured for the growth alone
DECISIONS = 600
BATCH = 20  # in one operation, which stays shorter than the store's limit on the event loop
ROUNDS = 5
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
CALLEES = 4  # declared for each service


async def run() -> list[Result]:
    """Return a line for each number of open incidents; the floor of the last is the first."""
    taken = {count: await _measure(count) for count in OPEN}
    few, many = taken[OPEN[0]], taken[OPEN[-1]]
    lines = [
        Result(
            f"noise.correlation.{count}",
            value,
            "ms",
            bar=Bar(0.1, "ms") if count >= JUDGED_FROM else None,
        )
        for count, value in taken.items()
    ]
    flat = Result("noise.correlation.growth", many, "ms", few, Bar(1.5, times_floor=True))
    return [*lines, flat]


async def _measure(count: int) -> float:
    """Return the milliseconds of processor time of one decision, in the quickest round."""
    store = await open_store("sqlite://", owner="bench")
    try:
        await open_many(store, alert(0, 1), count, NOW)
        alerts = identified([alert(number, count) for number in range(DECISIONS)], "bench", NOW)
        calls = Calls.of(
            {
                _service(n): [_service((n + k) % count) for k in range(1, CALLEES + 1)]
                for n in range(200)
            }
        )
        times: list[float] = []
        for _ in range(ROUNDS):
            taken = 0.0
            for start in range(0, DECISIONS, BATCH):
                batch = alerts[start : start + BATCH]
                taken += await store._engine.read(_decisions, batch, calls)  # noqa: SLF001 - no such method
            times.append(taken / DECISIONS * 1000)
        return min(times)
    finally:
        await store.close()


def _decisions(alerts: Sequence[IdentifiedAlert], calls: Calls) -> Operation[float]:
    """Decide about each alert as `accept` does, and change nothing.

    Returns the seconds of processor time of the thread that ran it.
    """
    arrival = DeliveryContext("", NOW, Policy(), calls=calls)
    began = time.thread_time()
    for item in alerts:
        result = yield from candidates(item, arrival)
        decision = decide(item, map(candidate, result.rows))
        if decision.verdict is Verdict.OPEN:
            yield from cascades.place(item, calls, NOW)
    return time.thread_time() - began


def _service(number: int) -> str:
    return f"svc-{number}-api"


def alert(number: int, count: int) -> Alert:
    """Return one of a third each: of an open incident's scope, another symptom of it, a new one."""
    service, category = _service(number * 7 % min(count, 200)), "cpu"
    if number % 3 == 1:
        category = "latency"
    elif number % 3 == 2:
        service = f"other-{number}-api"
    return Alert(
        source="alertmanager",
        status=AlertStatus.FIRING,
        name=f"{category}High",
        title=f"{category} is high",
        service=service,
        env="production",
        region="eu-west-1",
        category=category,
        severity=Severity.HIGH,
        labels={"service": service, "pod": f"{service}-5d8c7b9f4-x2x9z", "node": "worker-1"},
        fingerprint=f"f{number}",
        starts_at=NOW,
    )
