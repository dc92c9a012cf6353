"""The end of a silence opens what still fires once, also after a kill, and posts one digest."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import StoreError
from bot.incidents.model import Severity
from store import Store
from store.admin import invariants
from tests.helpers.builders import ANA, CHANNEL, OPS, alert, deliver, identify, later, resolved
from tests.helpers.incident_bench import Bench
from tests.helpers.silences import HOURS, silence
from tests.helpers.stores import Storage

OVER = later(2 * HOURS)


class Mortal:
    """An engine that dies before its n-th write."""

    def __init__(self, engine: Any, writes: int) -> None:
        self._engine = engine
        self.left = writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def write(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise StoreError("killed")
        return await self._engine.write(operation, *args, **kwargs)


def bench_of(store: Store) -> Bench:
    bench = Bench(store)
    bench.now = OVER
    return bench


async def suppress_three(store: Store) -> None:
    """Two services whose alerts fire, and one whose alert is over."""
    await store.silence(silence(service="s*x"))
    for service in ("s1x", "s2x", "s3x"):
        item = identify(alert(service=service, fingerprint=service), tracking_id=f"req-{service}")
        await store.accept(service, [item], channel=CHANNEL, now=later(1))
    await deliver(store, resolved(service="s3x", fingerprint="s3x"), at=later(2))


async def at_the_end(store: Store) -> None:
    """Assert that two incidents opened, each once, with one digest."""
    incidents = await store.open_incidents()
    assert sorted(incident.service for incident in incidents) == ["s1x", "s2x"]
    assert [incident.alert_count for incident in incidents] == [1, 1]
    keys = [message.key for message in await store.outbox_due(OPS, OVER)]
    assert sorted(keys) == ["silence:1", "silence_digest:1"]
    report = await store.silence_report(1)
    assert report is not None
    assert (report.suppressed, report.opened_count) == (3, 2)
    traced = await store.trace("req-s1x")
    assert [item.incident_id is not None for item in traced] == [False, True]
    assert await store._engine.read(invariants.broken) == []


async def test_what_still_fires_opens_when_the_silence_is_over(store: Store) -> None:
    await suppress_three(store)
    bench = bench_of(store)
    bench.now = later(2 * HOURS - 1)
    await bench.service.settle()
    assert await store.open_incidents() == []
    bench.now = OVER
    await bench.service.settle()
    await bench.service.settle()
    await at_the_end(store)


@pytest.mark.parametrize("writes", range(7))
async def test_a_bot_that_is_killed_at_any_step_of_the_end_opens_nothing_twice(
    store: Store, writes: int
) -> None:
    await suppress_three(store)
    dying = bench_of(store)
    dying.store._engine = Mortal(store._engine, writes)
    try:
        await dying.service.silences.settle()
    except StoreError:
        assert writes < 5, "the end has five writes"
    await bench_of(store).service.silences.settle()
    await at_the_end(store)


async def test_two_replicas_that_end_a_silence_at_once_open_each_incident_once(
    storage: Storage,
) -> None:
    first, second = await storage.open("bot-a"), await storage.open("bot-b")
    await suppress_three(first)
    await asyncio.gather(
        *(bench_of(store).service.silences.settle() for store in (first, second, first, second))
    )
    await at_the_end(first)


async def test_an_alert_that_comes_while_a_silence_ends_opens_one_incident(store: Store) -> None:
    await store.silence(silence())
    await deliver(store, alert(), at=later(1))
    await asyncio.gather(
        bench_of(store).service.silences.settle(),
        deliver(store, alert(), at=OVER),
        bench_of(store).service.silences.settle(),
    )
    (incident,) = await store.open_incidents()
    assert incident.firing == 1
    assert await store._engine.read(invariants.broken) == []


async def test_what_another_silence_matches_stays_suppressed(store: Store) -> None:
    await store.silence(silence())
    await store.silence(silence("second", hours=3))
    await deliver(store, alert(), at=later(1))
    bench = bench_of(store)
    await bench.service.silences.settle()
    assert await store.open_incidents() == []
    bench.now = later(3 * HOURS)
    await bench.service.silences.settle()
    assert len(await store.open_incidents()) == 1
    keys = [message.key for message in await store.outbox_due(OPS, bench.now)]
    assert [key for key in keys if "digest" in key] == ["silence_digest:2"]


async def test_a_message_sent_before_the_resolve_that_is_known_opens_nothing(store: Store) -> None:
    await store.silence(silence())
    ended = identify(resolved(), sent_at=later(20))
    await store.accept("resolve", [ended], channel=CHANNEL, now=later(21))
    late = identify(alert(), sent_at=later(10))
    await store.accept("late", [late], channel=CHANNEL, now=later(22))
    await bench_of(store).service.silences.settle()
    assert await store.open_incidents() == []


async def test_an_end_by_a_person_opens_what_fires_at_once(store: Store) -> None:
    await store.silence(silence())
    await deliver(store, alert(severity=Severity.LOW), at=later(1))
    await bench_of(store).service.silences.end(1, ANA)
    (incident,) = await store.open_incidents()
    assert (incident.severity, incident.service) == (Severity.LOW, "web")


async def test_what_opens_keeps_its_sender_and_its_place(store: Store) -> None:
    await store.silence(silence())
    item = replace(
        identify(alert(), dedup_key="m1#0"), senders=("http:prometheus",), channel="C0ROUTED"
    )
    await store.accept("m1", [item], channel=CHANNEL, now=later(1), posted=False)
    await bench_of(store).service.silences.settle()
    (incident,) = await store.open_incidents()
    assert (incident.channel, incident.posted) == ("C0ROUTED", False)
    forged = replace(identify(resolved()), senders=("http:evil",))
    await store.accept("forged", [forged], channel=CHANNEL, now=OVER)
    assert (await store.incident(incident.id)).firing == 1
    theirs = replace(identify(resolved()), senders=("http:prometheus",))
    await store.accept("theirs", [theirs], channel=CHANNEL, now=OVER)
    assert (await store.incident(incident.id)).firing == 0
