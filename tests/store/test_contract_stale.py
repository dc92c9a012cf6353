"""An incident of which no alert comes any more is closed as stale.

One with an owner is only asked about, once, until an alert comes again.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from bot.approvals.model import Choice
from bot.errors import Refused
from bot.incidents.correlation import Reason
from bot.incidents.model import IncidentStatus, Resolution, Severity
from bot.incidents.news import News, NewsKind
from store import Store
from store.admin import invariants
from store.operations.cutoffs import Cutoff
from store.operations.news import MOST_WAITING
from tests.helpers.builders import (
    ANA,
    BEN,
    CHANNEL,
    NOW,
    TEAM,
    alert,
    deliver,
    identify,
    later,
    pending_approval,
    resolved,
    voter,
)
from tests.helpers.news import news_of, shown
from tests.helpers.stores import Storage

HOUR = 3600
DAY = 24 * HOUR


async def open_shown(store: Store, **changes: object) -> int:
    """An incident of Ana's whose card Slack shows."""
    incident_id = await deliver(store, alert(**changes))
    await shown(store, f"card:{incident_id}")
    await store.acknowledge(incident_id, ANA, later(0))
    return incident_id


async def ask(store: Store, seconds: float) -> int:
    """Ask at that time about what was silent for a day."""
    return await store.ask_if_stale(Cutoff(later(seconds - DAY)), later(seconds))


async def questions(store: Store) -> list[News]:
    return [item for item in await news_of(store) if item.kind is NewsKind.STALE]


async def test_an_incident_without_an_alert_for_a_day_is_asked_about_once(store: Store) -> None:
    incident_id = await open_shown(store, severity=Severity.LOW)
    assert await ask(store, DAY - 1) == 0
    assert await ask(store, DAY) == 1
    assert await ask(store, DAY + 60) == 0
    assert await ask(store, 9 * DAY) == 0
    (question,) = await questions(store)
    assert (question.incident_id, question.mentions) == (incident_id, (ANA,))
    assert datetime.fromisoformat(question.subject) == later(0)
    incident = await store.incident(incident_id)
    assert (await store.card_content(incident.id)).bad_news == [question]


async def test_an_incident_whose_card_is_not_posted_is_not_asked_about(store: Store) -> None:
    await store.acknowledge(await deliver(store, alert()), ANA, later(0))
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
    await store.acknowledge(1, ANA, later(0))
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
    await store.acknowledge(incident_id, ANA, later(DAY))
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


# Closed as stale

STALE = 2 * HOUR


async def close(store: Store, seconds: float) -> int:
    """Close at that time what was silent for two hours."""
    return await store.close_stale(Cutoff(later(seconds - STALE)), later(seconds))


async def resolution_of(store: Store, incident_id: int) -> Resolution | None:
    return (await store.incident(incident_id)).resolution


async def test_an_incident_without_an_owner_is_closed_as_stale_after_two_hours(
    store: Store,
) -> None:
    incident_id = await deliver(store, alert())
    assert await close(store, STALE - 1) == 0
    assert await close(store, STALE) == 1
    assert await close(store, STALE + 60) == 0
    incident = await store.incident(incident_id)
    assert (incident.status, incident.resolution) == (IncidentStatus.RESOLVED, Resolution.STALE)
    assert (incident.resolved_by, incident.firing) == ("", 0)
    last = (await store.timeline(incident_id))[-1]
    assert last.text == "Closed as stale: no alert and no person said anything for long"
    assert await store.outbox_message(f"resolved:{incident_id}") is not None
    assert await store._engine.read(invariants.broken) == []


async def test_an_incident_that_is_acknowledged_or_muted_is_never_closed_as_stale(
    store: Store,
) -> None:
    await open_shown(store)
    muted = await deliver(store, alert(service="api", fingerprint="api"))
    await shown(store, f"card:{muted}")
    await store.mute(muted, ANA, None, later(1))
    assert await close(store, 9 * DAY) == 0
    assert await ask(store, 9 * DAY) == 2


async def test_a_child_of_an_acknowledged_incident_is_not_closed_as_stale(store: Store) -> None:
    root = await deliver(store, alert())
    child = await deliver(store, alert(category="latency", fingerprint="slow"), at=later(60))
    assert (await store.incident(child)).parent_id == root
    await store.acknowledge(root, ANA, later(61))
    assert await close(store, 9 * DAY) == 0, "somebody works on its cascade"
    assert (await store.incident(child)).status is IncidentStatus.OPEN


@pytest.mark.parametrize("sign", ["a reminder", "a note"])
async def test_a_reminder_and_a_persons_action_keep_it_open(store: Store, sign: str) -> None:
    incident_id = await deliver(store, alert())
    if sign == "a reminder":
        await deliver(store, alert(), at=later(HOUR))
    else:
        await store.note(incident_id, "still looking", ANA, later(HOUR))
    assert await close(store, STALE + HOUR - 1) == 0
    assert await close(store, STALE + HOUR) == 1


async def test_an_incident_is_left_open_while_an_approval_waits(store: Store) -> None:
    incident_id = await deliver(store, alert())
    waiting = await pending_approval(store, incident_id, expires_at=later(2 * STALE))
    assert await close(store, STALE) == 0
    await store.vote(waiting.id, voter(ANA), Choice.REJECT, TEAM, later(STALE))
    assert await close(store, 2 * STALE) == 1


@pytest.mark.parametrize("starts_at", [NOW, None])
async def test_a_reminder_of_an_alert_that_still_fires_reopens_a_stale_incident_at_any_age(
    store: Store, starts_at: datetime | None
) -> None:
    incident_id = await deliver(store, alert(starts_at=starts_at))
    await close(store, STALE)
    assert await deliver(store, alert(starts_at=starts_at), at=later(DAY)) == incident_id
    incident = await store.incident(incident_id)
    assert (incident.status, incident.firing, incident.alert_count) == (IncidentStatus.OPEN, 1, 2)
    (news,) = await news_of(store)
    assert (news.kind, news.facts["resolution"]) == (NewsKind.REOPENED, "stale")
    assert await close(store, DAY + STALE) == 1, "and it may be stale again"


@pytest.mark.parametrize(("after", "is_same"), [(DAY - 1, True), (DAY, False)])
async def test_without_a_start_an_alert_a_day_after_it_was_stale_is_another_one(
    store: Store, after: float, is_same: bool
) -> None:
    incident_id = await deliver(store, alert())
    await close(store, STALE)
    repeated_in = await deliver(store, alert(), at=later(STALE + after))
    assert (repeated_in == incident_id) is is_same


async def test_a_new_firing_long_after_it_was_stale_opens_a_new_incident(store: Store) -> None:
    incident_id = await deliver(store, alert(starts_at=NOW))
    await close(store, STALE)
    refired = alert(starts_at=later(STALE + HOUR))
    assert await deliver(store, refired, at=later(STALE + HOUR)) != incident_id


async def test_a_person_opens_a_stale_incident_again(store: Store) -> None:
    incident_id = await deliver(store, alert())
    await close(store, STALE)
    assert (await store.reopen(incident_id, ANA, later(STALE + HOUR))).changed
    assert await resolution_of(store, incident_id) is None
    assert await close(store, 2 * STALE) == 0


async def test_the_resolve_of_a_stale_incident_says_that_its_alert_cleared(store: Store) -> None:
    incident_id = await deliver(store, alert())
    await close(store, STALE)
    assert await resolution_of(store, incident_id) is Resolution.STALE
    end = identify(resolved())
    await store.accept("end", [end], channel=CHANNEL, now=later(DAY))
    assert await resolution_of(store, incident_id) is Resolution.CLEARED
    (traced,) = await store.trace(end.tracking_id)
    assert traced.incident_id == incident_id
    assert traced.reason == "resolved, after its incident was resolved by a person or as stale"
    assert await store.unmatched_resolves() == []
    assert await store._engine.read(invariants.broken) == []


async def test_a_resolve_that_is_sent_again_belongs_to_its_incident(store: Store) -> None:
    incident_id = await deliver(store, alert())
    for place, minutes in enumerate((1, 2, 30)):
        end = identify(resolved())
        await store.accept(f"end {place}", [end], channel=CHANNEL, now=later(60 * minutes))
        (traced,) = await store.trace(end.tracking_id)
        if minutes < 15:
            assert traced.incident_id == incident_id
            assert (traced.reason == Reason.ENDS_AGAIN) is (place == 1)
        else:
            assert traced.reason == Reason.NOTHING_TO_CLOSE
    assert len(await store.unmatched_resolves()) == 1
    assert await resolution_of(store, incident_id) is Resolution.CLEARED
    assert await store._engine.read(invariants.broken) == []


async def test_two_replicas_close_a_stale_incident_once(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    for number in range(3):
        await deliver(here, alert(service=f"s{number}", fingerprint=f"f{number}"))
    counts = await asyncio.gather(close(here, STALE), close(there, STALE), close(here, STALE))
    assert sum(counts) == 3
    for number in (1, 2, 3):
        kinds = [entry.kind for entry in await there.timeline(number)]
        assert kinds == ["opened", "resolved"]


async def test_a_root_is_not_stale_while_a_child_of_it_is_open(store: Store) -> None:
    root = await deliver(store, alert(starts_at=NOW))
    latency = alert(name="HighLatency", category="latency", fingerprint="l", starts_at=later(60))
    child = await deliver(store, latency, at=later(60))
    assert (await store.incident(child)).parent_id == root
    await deliver(store, latency, at=later(HOUR))
    assert await close(store, STALE) == 0
    assert await close(store, STALE + HOUR) == 1
    assert await close(store, STALE + HOUR + 60) == 1
    assert await resolution_of(store, root) is Resolution.STALE
