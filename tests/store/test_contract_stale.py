"""Incidents of which no alert comes any more: asked about once, until one comes again."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from bot.errors import Refused
from bot.incidents.model import Severity
from bot.incidents.news import News, NewsKind
from store import Store
from store.operations.news import MOST_WAITING
from tests.helpers.builders import ANA, BEN, CHANNEL, alert, deliver, identify, later, resolved
from tests.helpers.news import news_of, shown
from tests.helpers.stores import Storage

HOUR = 3600
DAY = 24 * HOUR


async def open_shown(store: Store, **changes: object) -> int:
    """An open incident whose card Slack shows."""
    incident_id = await deliver(store, alert(**changes))
    await shown(store, f"card:{incident_id}")
    return incident_id


async def ask(store: Store, seconds: float) -> int:
    """Ask at that time about what was silent for a day."""
    return await store.ask_if_stale(later(seconds - DAY), later(seconds))


async def questions(store: Store) -> list[News]:
    return [item for item in await news_of(store) if item.kind is NewsKind.STALE]


async def test_an_incident_without_an_alert_for_a_day_is_asked_about_once(store: Store) -> None:
    incident_id = await open_shown(store, severity=Severity.LOW)
    await store.acknowledge(incident_id, ANA, later(HOUR))
    assert await ask(store, DAY - 1) == 0
    assert await ask(store, DAY) == 1
    assert await ask(store, DAY + 60) == 0
    assert await ask(store, 9 * DAY) == 0
    (question,) = await questions(store)
    assert (question.incident_id, question.mentions) == (incident_id, (ANA,))
    assert datetime.fromisoformat(question.subject) == later(0)
    incident = await store.incident(incident_id)
    assert (await store.card_content(incident.id)).bad_news == [question]


async def test_nobody_is_mentioned_where_nobody_acknowledged(store: Store) -> None:
    await open_shown(store)
    await ask(store, DAY)
    assert [question.mentions for question in await questions(store)] == [()]


async def test_an_incident_whose_card_is_not_posted_is_not_asked_about(store: Store) -> None:
    await deliver(store, alert())
    assert await ask(store, DAY) == 0


@pytest.mark.parametrize("sign", ["another alert", "a reminder", "a resolve of one of two"])
async def test_an_alert_of_the_incident_lets_it_be_asked_about_again(
    store: Store, sign: str
) -> None:
    series = "http:x alertmanager/fp-web-cpu/1/"

    async def comes(status: str, seconds: float, key: str) -> None:
        item = alert() if status == "firing" else resolved()
        identified = identify(item, dedup_key=f"{series}{status}/{key}")
        object.__setattr__(identified, "series_key", series)
        receipt = await store.accept(key, [identified], channel=CHANNEL, now=later(seconds))
        assert receipt.duplicates == (sign == "a reminder" and key != "first")

    await comes("firing", 0, "first")
    await shown(store, "card:1")
    await deliver(store, alert(fingerprint="f2"), at=later(1))
    await ask(store, DAY + 60)
    assert len(await questions(store)) == 1
    if sign == "another alert":
        await deliver(store, alert(fingerprint="f3"), at=later(2 * DAY))
    else:
        await comes("firing" if sign == "a reminder" else "resolved", 2 * DAY, "second")
    assert (await store.card_content(1)).bad_news == [], "it is settled"
    assert await ask(store, 3 * DAY - 1) == 0
    assert await ask(store, 3 * DAY) == 1
    assert len(await questions(store)) == 2


async def test_reminders_of_one_minute_write_once(store: Store) -> None:
    incident_id = await open_shown(store)
    for second in (10, 59, 60, 80, 119):
        await deliver(store, alert(), at=later(second))
    assert (await store.incident(incident_id)).last_active_at == later(60)


async def test_a_question_is_drawn_again_when_it_is_settled(store: Store) -> None:
    incident_id = await open_shown(store)
    await ask(store, DAY)
    (question,) = await questions(store)
    await shown(store, f"news:{question.id}")

    async def waits() -> bool:
        due = await store.outbox_due(CHANNEL, later(9 * DAY))
        return any(message.key == f"news:{question.id}" for message in due)

    assert not await waits()
    await store.resolve(incident_id, ANA, later(2 * DAY))
    assert await waits()


async def test_a_person_keeps_it_open_and_is_asked_again_only_after_the_same_time(
    store: Store,
) -> None:
    incident_id = await open_shown(store)
    assert not (await store.still_going_on(incident_id, ANA, later(HOUR))).changed, "not asked"
    await ask(store, DAY)
    assert (await store.still_going_on(incident_id, ANA, later(DAY + HOUR))).changed
    assert not (await store.still_going_on(incident_id, BEN, later(DAY + HOUR))).changed
    entries = await store.timeline(incident_id)
    assert [(entry.text, entry.actor) for entry in entries if entry.kind == "still"] == [
        ("Still going on", ANA)
    ]
    assert await ask(store, 2 * DAY) == 0
    assert await ask(store, 2 * DAY + HOUR) == 1


async def test_a_resolved_incident_is_not_asked_about_and_nobody_says_that_it_goes_on(
    store: Store,
) -> None:
    incident_id = await open_shown(store)
    await store.resolve(incident_id, ANA, later(HOUR))
    assert await ask(store, DAY) == 0
    with pytest.raises(Refused, match="INC-1 is resolved already"):
        await store.still_going_on(incident_id, ANA, later(HOUR))
    await store.reopen(incident_id, ANA, later(DAY))
    assert await ask(store, DAY + HOUR) == 0, "a reopening is a sign too"
    assert await ask(store, 2 * DAY) == 1


async def test_two_replicas_ask_once(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    for number in range(3):
        await open_shown(here, service=f"s{number}", fingerprint=f"f{number}")
    counts = await asyncio.gather(ask(here, DAY), ask(there, DAY), ask(here, DAY))
    assert sum(counts) == 3
    assert sorted(item.incident_id for item in await questions(there)) == [1, 2, 3]


async def test_a_channel_gets_a_few_questions_at_a_time_the_most_severe_first(store: Store) -> None:
    total = MOST_WAITING + 2
    for number in range(total):
        severity = Severity.LOW if number < 2 else Severity.CRITICAL
        await open_shown(store, service=f"s{number}", fingerprint=f"f{number}", severity=severity)
    assert await ask(store, DAY) == MOST_WAITING
    assert {item.incident_id for item in await questions(store)} == set(range(3, total + 1))
    assert await ask(store, DAY) == 0
    await shown(store, "news:1")
    assert await ask(store, DAY) == 1
