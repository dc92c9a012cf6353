"""Alerts that only suggest a service are linked with those that name it, in every store."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.incidents.model import Alert
from bot.incidents.news import NewsKind
from store import Store
from tests.helpers.builders import ANA, alert, deliver, later, resolved
from tests.helpers.cascades import cards, check, latency, symptom
from tests.helpers.news import news_of


def probe_of(host: str) -> Alert:
    labels = {"job": "blackbox", "instance": f"https://{host}/health"}
    fields = {"title": "probe failed", "name": "ProbeFailed", "category": "availability"}
    return alert(service="", labels=labels, fingerprint=host, **fields)


def title_with(word: str) -> Alert:
    return symptom(word, source="am", category="latency", read_from={"service": "guess"})


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(
    "suggesting", [probe_of("web-shop.example.com"), title_with("web-shop")], ids=["host", "title"]
)
async def test_an_alert_that_suggests_a_service_and_one_that_names_it_are_one_cascade(
    store: Store, suggesting: Alert, is_first: bool
) -> None:
    named = symptom("web-shop")
    first, second = (suggesting, named) if is_first else (named, suggesting)
    root = await deliver(store, first)
    child = await deliver(store, second, at=later(60))
    assert (await store.incident(child)).parent_id == root
    assert await cards(store, root, child) == [True, False]
    await check(store)


TWO_PARTS = {"title": "HighLatency (prod web-shop orders-api high)"}
ONE_PART = {"title": "HighLatency (prod web-shop orders)", "labels": {"value_1": "orders"}}


@pytest.mark.parametrize("other", [TWO_PARTS, ONE_PART], ids=["two parts", "one part"])
@pytest.mark.parametrize("is_first", [True, False])
async def test_a_title_with_two_words_that_may_be_the_service_suggests_neither(
    store: Store, is_first: bool, other: dict[str, Any]
) -> None:
    title = replace(title_with("web-shop"), **other)
    alerts = (title, symptom("web-shop")) if is_first else (symptom("web-shop"), title)
    await deliver(store, alerts[0])
    second = await deliver(store, alerts[1], at=later(60))
    assert (await store.incident(second)).parent_id is None


async def test_a_second_host_of_the_name_in_another_domain_is_a_root(store: Store) -> None:
    hosts = ("web-shop.example.com", "web-shop.example.org")
    root = await deliver(store, symptom("web-shop"))
    first, second = [
        await deliver(store, probe_of(host), at=later(60 + n)) for n, host in enumerate(hosts)
    ]
    parents = [(await store.incident(number)).parent_id for number in (first, second)]
    assert parents == [root, None]


async def test_another_symptom_just_after_the_end_opens_its_root_again_and_says_so(
    store: Store,
) -> None:
    root = await deliver(store, alert())
    await store.acknowledge(root, ANA, later(10))
    await deliver(store, resolved(), at=later(120))
    child = await deliver(store, latency(), at=later(180))
    assert (await store.incident(child)).parent_id == root
    (entry,) = [entry for entry in await store.timeline(root) if entry.kind == "reopened"]
    assert entry.text == f"Reopened: INC-{child} is another symptom of its service"
    (news,) = [item for item in await news_of(store) if item.kind is NewsKind.REOPENED]
    assert news.facts["symptom"] == f"INC-{child}"
