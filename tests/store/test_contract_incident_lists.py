"""Pages of the list of incidents: most severe first, filtered, and each incident once."""

from __future__ import annotations

from typing import Any

from bot.incidents.listing import parse_filter
from bot.incidents.model import Severity
from store import Store
from tests.helpers.builders import ANA, BEN, alert, deliver, later


async def opened(store: Store, service: str, severity: Severity, **fields: Any) -> int:
    """Open an incident of that service."""
    return await deliver(
        store, alert(service=service, severity=severity, fingerprint=service, **fields)
    )


async def pages(store: Store, text: str, size: int = 2) -> list[list[int]]:
    """The ids of every page."""
    chosen, after, ids = parse_filter(text, ANA), None, []
    while True:
        page = await store.listed_incidents(chosen, after, size)
        ids.append([incident.id for incident in page.incidents])
        if not page.more:
            return ids
        after = page.incidents[-1].id


async def test_each_open_incident_is_on_one_page_the_most_severe_first(store: Store) -> None:
    low = await opened(store, "a", Severity.LOW)
    critical = await opened(store, "b", Severity.CRITICAL)
    high = await opened(store, "c", Severity.HIGH)
    newer = await opened(store, "d", Severity.CRITICAL)
    ended = await opened(store, "e", Severity.CRITICAL)
    await store.resolve(ended, ANA, later(1))
    assert await pages(store, "") == [[newer, critical], [high, low]]
    page = await store.listed_incidents(parse_filter("", ANA), None, 10)
    assert page.counts == {Severity.CRITICAL: 2, Severity.HIGH: 1, Severity.LOW: 1}


async def test_mine_resolved_all_and_words_narrow_the_list(store: Store) -> None:
    web = await opened(store, "Web-Shop", Severity.LOW, title="Latency 100% up")
    api = await opened(store, "api", Severity.HIGH, title="latency_high")
    old = await opened(store, "old", Severity.HIGH)
    older = await opened(store, "older", Severity.HIGH)
    await store.acknowledge(web, ANA, later(1))
    await store.acknowledge(api, BEN, later(1))
    await store.resolve(old, ANA, later(2))
    await store.resolve(older, ANA, later(3))
    assert await pages(store, "mine") == [[web]]
    await store.assign(api, ANA, BEN, later(1))
    more = await opened(store, "more", Severity.HIGH)
    await store.acknowledge(more, ANA, later(1))
    assert await pages(store, "mine", 1) == [[more], [api], [web]]
    await store.resolve(more, ANA, later(1))
    assert await pages(store, "resolved", 1) == [[older], [old], [more]]
    assert await pages(store, "all", 3) == [[more, older, old], [api, web]]
    assert await pages(store, "LATENCY") == [[api, web]]
    assert await pages(store, "web latency") == [[web]]
    assert await pages(store, "old") == [[]]
    assert await pages(store, "all old") == [[older, old]]
    for literal, ids in (("100%", [web]), ("y_h", [api]), ("!", []), ("%", [web]), ("'", [])):
        assert await pages(store, literal) == [ids], literal
