"""Statistics: every number is counted in the store, within its window."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.incidents.correlation import Reason
from bot.incidents.model import IncidentStatus, Severity
from bot.incidents.stats import Span
from store import Store
from store.operations import stats
from store.statements import Operation, query, to_db_time
from tests.helpers.builders import ANA, CHANNEL, NOW, alert, deliver, identify, later, resolved
from tests.helpers.query_plans import plan_of
from tests.helpers.retention import limits

HOUR = 3600


async def opened(store: Store, service: str, at: datetime = NOW, **changes: object) -> int:
    return await deliver(
        store, alert(service=service, fingerprint=f"fp-{service}", **changes), at=at
    )


async def test_incidents_are_counted_by_severity_and_status(store: Store) -> None:
    acknowledged = await opened(store, "a", severity=Severity.CRITICAL)
    await opened(store, "b", severity=Severity.CRITICAL)
    ended = await opened(store, "c", severity=Severity.LOW)
    await store.acknowledge(acknowledged, ANA, later(60))
    await store.resolve(ended, ANA, later(90))
    numbers = await store.stats(NOW)
    assert numbers.total == 3
    assert numbers.open_now == 2
    assert numbers.by_severity == {
        Severity.CRITICAL: 2,
        Severity.HIGH: 0,
        Severity.MEDIUM: 0,
        Severity.LOW: 1,
    }
    assert numbers.by_status == {
        IncidentStatus.OPEN: 1,
        IncidentStatus.ACKNOWLEDGED: 1,
        IncidentStatus.RESOLVED: 1,
    }
    assert numbers.by_severity_and_status[Severity.LOW] == {IncidentStatus.RESOLVED: 1}


async def test_an_incident_belongs_to_the_window_in_which_the_bot_opened_it(store: Store) -> None:
    """The sender's start may be days ago: the bot heard of it now."""
    await opened(store, "a", starts_at=later(-9 * 24 * HOUR))
    await opened(store, "b", at=later(HOUR))
    assert (await store.stats(NOW)).total == 2
    late = await store.stats(later(1))
    assert (late.total, late.open_now, late.accepted) == (1, 2, 1)
    assert (await store.stats(later(HOUR + 1))).total == 0


async def test_alerts_are_counted_by_their_reason(store: Store) -> None:
    await opened(store, "a")
    await deliver(store, alert(service="a", fingerprint="fp-a"), at=later(1))
    await deliver(store, alert(service="a", fingerprint="fp-other"), at=later(2))
    await deliver(store, resolved(service="never", fingerprint="fp-never"), at=later(3))
    numbers = await store.stats(NOW)
    assert dict(numbers.period.alerts) == {
        Reason.OPENED: 1,
        Reason.SAME_FINGERPRINT: 1,
        Reason.SAME_SCOPE: 1,
        Reason.NOTHING_TO_CLOSE: 1,
    }
    assert (numbers.accepted, numbers.joined, numbers.duplicates) == (4, 2, 2)
    assert (await store.stats(later(2))).accepted == 2


async def test_times_are_counted_from_the_opening_with_nearest_rank_percentiles(
    store: Store,
) -> None:
    for number in range(1, 21):
        incident = await opened(store, f"s{number}", at=later(number))
        await store.acknowledge(incident, ANA, later(number + number))
        await store.resolve(incident, ANA, later(number + 10 * number))
    await opened(store, "still-open")
    spans = (await store.stats(NOW)).period.spans
    durations = spans[Span.ACKNOWLEDGED]
    assert (durations.count, durations.mean) == (20, pytest.approx(10.5))
    percentiles = [durations.percentile(share) for share in (0.5, 0.95, 0.99)]
    assert percentiles == pytest.approx([10, 19, 20], rel=0.026)
    assert spans[Span.RESOLVED].percentile(0.95) == pytest.approx(190, rel=0.026)


async def test_without_incidents_there_are_no_times(store: Store) -> None:
    durations = (await store.stats(NOW)).period.spans[Span.CARD]
    assert (durations.count, durations.mean, durations.percentile(0.95)) == (0, None, None)


async def test_the_card_and_the_advice_are_timed_from_the_opening(store: Store) -> None:
    incident = await opened(store, "a")
    message = await store.outbox_message(f"card:{incident}")
    assert message is not None
    assert await store.outbox_sent(message, "1.1", None, posted_at=later(2))
    record = await store.claim_advice(later(3), in_hand=())
    assert record is not None
    await store.give_advice(record.id, {"source": "SOP"}, "said", later(9))
    spans = (await store.stats(NOW)).period.spans
    assert (spans[Span.CARD].count, spans[Span.CARD].mean) == (1, 2)
    assert (spans[Span.ADVICE].count, spans[Span.ADVICE].mean) == (1, 9)


async def test_a_card_that_is_changed_keeps_the_time_at_which_it_was_posted(store: Store) -> None:
    incident = await opened(store, "a")
    message = await store.outbox_message(f"card:{incident}")
    assert message is not None
    assert await store.outbox_sent(message, "1.1", None, posted_at=later(2))
    await store.acknowledge(incident, ANA, later(50))
    message = await store.outbox_message(f"card:{incident}")
    assert message is not None
    assert await store.outbox_sent(message, "1.1")
    assert (await store.stats(NOW)).period.spans[Span.CARD].mean == 2


async def test_types_come_with_the_most_frequent_first_and_no_more_than_the_limit(
    store: Store,
) -> None:
    await opened(store, "a", category="disk")
    await opened(store, "b", category="cpu", severity=Severity.CRITICAL)
    await store.resolve(await opened(store, "c", category="cpu"), ANA, later(1))
    first, second = await store.stats_by_type(NOW, 5)
    assert (first.type, first.total, first.open) == ("cpu", 2, 1)
    assert first.by_severity[Severity.CRITICAL] == 1
    assert second.type == "disk"
    assert len(await store.stats_by_type(NOW, 1)) == 1
    assert not await store.stats_by_type(later(1), 5)


async def test_incidents_are_paged_newest_first_by_status(store: Store) -> None:
    numbers = [await opened(store, f"s{number}") for number in range(4)]
    await store.resolve(numbers[1], ANA, later(1))
    await store.acknowledge(numbers[2], ANA, later(1))

    async def ids(status: IncidentStatus | None, before: int | None = None) -> list[int]:
        return [item.id for item in await store.incidents(status, limit=2, before=before)]

    assert await ids(None) == [numbers[3], numbers[2]]
    assert await ids(None, numbers[2]) == [numbers[1], numbers[0]]
    assert await ids(IncidentStatus.OPEN) == [numbers[3], numbers[0]]
    assert await ids(IncidentStatus.ACKNOWLEDGED) == [numbers[2]]
    assert await ids(IncidentStatus.RESOLVED) == [numbers[1]]


async def a_busy_day(store: Store) -> None:
    """An incident every half hour: opened, joined, acknowledged and resolved."""
    for number in range(48):
        at = later(number * HOUR / 2)
        incident = await opened(store, f"s{number}", at=at)
        await deliver(
            store, alert(service=f"s{number}", fingerprint="other"), at=at + timedelta(minutes=1)
        )
        await store.acknowledge(incident, ANA, at + timedelta(minutes=2))
        await store.resolve(incident, ANA, at + timedelta(minutes=9 + number))


async def test_a_summarised_hour_changes_no_number_of_any_window(store: Store) -> None:
    await a_busy_day(store)
    windows = [later(minutes * 60) for minutes in (-600, 0, 17, 56, 120, 601, 1430, 1500)]
    before = [await store.stats(since) for since in windows]
    now = later(25 * HOUR)
    hours = 0
    while await store.summarise_hour(now):
        hours += 1
    assert hours == 24, "the hour before `now` was over only four minutes ago"
    for since, numbers in zip(windows, before, strict=True):
        after = await store.stats(since)
        assert after.period.alerts == numbers.period.alerts, since
        for span in Span:
            was, is_now = numbers.period.spans[span], after.period.spans[span]
            assert is_now.buckets == was.buckets, since
            assert is_now.total == pytest.approx(was.total), since


async def test_an_hour_is_summarised_ten_minutes_after_its_end(store: Store) -> None:
    """A transaction that began within the hour may commit a little later."""
    await opened(store, "a")
    end = NOW.replace(hour=4, minute=0, second=0)
    assert not await store.summarise_hour(end + timedelta(minutes=9, seconds=59))
    assert await store.summarise_hour(end + timedelta(minutes=10))
    assert not await store.summarise_hour(end + timedelta(minutes=10))


async def test_statistics_stay_when_the_alerts_are_pruned(store: Store) -> None:
    await store.resolve(await opened(store, "a"), ANA, later(1))
    while await store.summarise_hour(later(2 * HOUR)):
        pass
    pruned = await store.prune(limits(later(HOUR), later(HOUR)))
    assert pruned["alerts"] == 1
    assert (await store.stats(later(-HOUR))).accepted == 1


async def test_statistics_never_read_a_row_of_alerts_or_incidents() -> None:
    """A row of either is long: a million of them would take seconds."""
    operation = stats._happened(to_db_time(NOW), to_db_time(later(HOUR)))
    first = next(operation)
    page = next(stats.read(NOW))
    statements = [first, *first.with_it, page, *page.with_it]
    steps = [step for statement in statements for step in await plan_of(iter([statement]))]  # type: ignore[arg-type]
    tables = [
        step for step in steps if re.search(r"(SCAN|SEARCH) (alerts|incidents|outbox|advice)", step)
    ]
    assert len(tables) == 8
    assert all(
        "COVERING INDEX" in step or "INDEX open_incidents" in step or "flapping" in step
        for step in tables
    ), steps


async def repeat(store: Store, number: int, seconds: float, **changes: Any) -> None:
    """Accept the same alert once more, as a webhook repeats it."""
    item = replace(
        identify(alert(starts_at=NOW, **changes), dedup_key=f"series/{number}"),
        series_key="series/",
    )
    key = f"delivery-{number}"
    await store.accept(key, [item], channel=CHANNEL, now=later(seconds))


async def test_a_repeat_is_counted_for_its_incident_and_hour(store: Store) -> None:
    for number, seconds in enumerate((0, 60, 120, 2 * HOUR)):
        await repeat(store, number, seconds)
    numbers = await store.stats(NOW)
    assert (numbers.accepted, numbers.repeats, numbers.duplicates) == (1, 3, 3)
    assert (await store.stats(later(HOUR))).repeats == 1
    (most,) = await store.most_repeated(NOW, 5)
    assert (most.incident_id, most.count, most.last_at) == (1, 3, later(2 * HOUR))
    assert most.alert == "alertmanager/fp-web-cpu"


async def test_a_redelivery_is_counted_as_a_repeat(store: Store) -> None:
    await repeat(store, 1, 0)
    await repeat(store, 1, 5)
    numbers = await store.stats(NOW)
    assert (numbers.accepted, numbers.repeats) == (1, 1)
    (most,) = await store.most_repeated(NOW, 5)
    assert most.last_at == later(5)


async def test_repeats_of_an_alert_take_one_row_an_hour(store: Store) -> None:
    for number in range(50):
        await repeat(store, number, number)
    assert len(await rows_of(store, "SELECT count FROM repeats")) == 1


async def rows_of(store: Store, sql: str) -> list[Any]:
    def read() -> Operation[list[Any]]:
        return (yield query(sql))

    return await store._engine.read(read)


async def test_repeats_stay_in_the_summary_of_their_hour(store: Store) -> None:
    for number, seconds in enumerate((0, 60, 120, 2 * HOUR)):
        await repeat(store, number, seconds)
    while await store.summarise_hour(later(4 * HOUR)):
        pass
    assert (await store.stats(later(-HOUR))).repeats == 3
    assert (await store.stats(later(HOUR))).repeats == 1
