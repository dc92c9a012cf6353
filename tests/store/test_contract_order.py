"""Messages of a sender that arrive out of order, in every store: the newest one counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.configuration import Configuration
from bot.incidents.correlation import IdentifiedAlert
from bot.incidents.model import Alert, AlertStatus, Incident, Severity
from bot.policy import Correlate, Policy
from store import Store
from tests.helpers.builders import CHANNEL, alert, identify, later, resolved
from tests.helpers.stores import SqliteMemoryStorage

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
OVERTAKEN = "overtaken by a newer telling"


def sent(item: Alert, second: int, **changes: str) -> IdentifiedAlert:
    """The alert as its sender told it in that second."""
    return replace(identify(item, **changes), sent_at=later(second))


async def arrive(store: Store, *messages: IdentifiedAlert) -> None:
    """Each in a delivery of its own, one after the other, all in the same moment."""
    for delivery in messages:
        await store.accept(delivery.dedup_key, [delivery], channel=CHANNEL, now=later(1000))


async def only_open(store: Store) -> Incident | None:
    """The open incident, None where there is none; more than one is never right here."""
    incidents = await store.open_incidents()
    assert len(incidents) < 2
    return incidents[0] if incidents else None


@dataclass(frozen=True)
class Story:
    """The messages of one sender: (name, status, severity), in the order of their sending."""

    sequence: tuple[tuple[str, AlertStatus, Severity], ...]
    arrival: tuple[int, ...]

    def messages(self) -> list[IdentifiedAlert]:
        """All of it, in the order of arrival."""
        return [self._message(storage) for storage in self.arrival]

    def _message(self, storage: int) -> IdentifiedAlert:
        name, status, severity = self.sequence[storage]
        item = alert(name=name, fingerprint=f"fp-{name}", status=status, severity=severity)
        return sent(item, storage)

    def last(self) -> dict[str, tuple[AlertStatus, Severity]]:
        """Return how each alert stands by what was told last."""
        return {name: (status, severity) for name, status, severity in self.sequence}


@st.composite
def stories(draw: st.DrawFn, names: Sequence[str]) -> Story:
    result = draw(
        st.lists(
            st.tuples(
                st.sampled_from(names),
                st.sampled_from([FIRING, RESOLVED]),
                st.sampled_from(Severity),
            ),
            min_size=1,
            max_size=7,
        )
    )
    return Story(tuple(result), tuple(draw(st.permutations(range(len(result))))))


async def end_of(service: Story) -> Incident | None:
    storage = SqliteMemoryStorage(Path())
    try:
        store = await storage.open()
        # Changes within a second are no flapping here, which would hold the incident open.
        store.config.current = Configuration(Policy(correlate=Correlate(flapping_changes=0)))
        await arrive(store, *service.messages())
        return await only_open(store)
    finally:
        await storage.close()


@given(stories(["HighCpu"]))
@settings(deadline=None, max_examples=150)
def test_in_any_order_of_arrival_an_alert_ends_as_it_was_told_last(service: Story) -> None:
    status, severity = service.last()["HighCpu"]
    incident = asyncio.run(end_of(service))
    if status is RESOLVED:
        assert incident is None
    else:
        assert incident is not None
        assert (incident.severity, incident.firing) == (severity, 1)


@given(stories(["HighCpu", "HighLoad", "HighHeat"]))
@settings(deadline=None, max_examples=150)
def test_in_any_order_of_arrival_exactly_what_fires_still_keeps_an_incident_open(
    service: Story,
) -> None:
    firing = [name for name, (status, _) in service.last().items() if status is FIRING]
    incident = asyncio.run(end_of(service))
    assert (incident.firing if incident else 0) == len(firing)


@pytest.mark.parametrize("arrival", ["F1 R2", "R2 F1", "R4 F3 R2 F1", "F3 R4 F1 R2", "F1 R4 F3"])
async def test_what_was_resolved_last_is_closed(store: Store, arrival: str) -> None:
    await arrive(store, *written(arrival))
    assert await only_open(store) is None


@pytest.mark.parametrize("arrival", ["F3 R2 F1", "F1 F3 R2", "R2 F3 F1", "F3 F1 R2", "R2 F1 F3"])
async def test_what_fired_last_is_open_with_its_severity(store: Store, arrival: str) -> None:
    await arrive(store, *written(arrival))
    incident = await only_open(store)
    assert incident is not None
    assert (incident.severity, incident.firing) == (Severity.CRITICAL, 1)


def written(arrival: str) -> list[IdentifiedAlert]:
    """`F3 R2`: firing told in second 3 comes first, then the resolve of second 2.

    What was told in second 3 is critical, all else is low.
    """
    messages = []
    for word in arrival.split():
        second = int(word[1:])
        status = FIRING if word[0] == "F" else RESOLVED
        severity = Severity.CRITICAL if second == 3 else Severity.LOW
        messages.append(sent(alert(status=status, severity=severity), second))
    return messages


async def test_an_alert_that_its_own_resolve_overtook_opens_nothing_and_is_kept_with_the_reason(
    store: Store,
) -> None:
    await arrive(store, sent(resolved(), 2), sent(alert(), 1, tracking_id="req-late"))
    assert await store.open_incidents() == []
    assert await store.outbox_channels(later(2000)) == {}
    (kept,) = await store.trace("req-late")
    assert (kept.status, kept.reason, kept.incident_id) == ("firing", OVERTAKEN, None)


async def test_a_resolve_that_a_newer_alert_overtook_closes_nothing_and_stays_with_its_incident(
    store: Store,
) -> None:
    await arrive(store, sent(alert(), 3), sent(resolved(), 2, tracking_id="req-late"))
    incident = await only_open(store)
    assert incident is not None
    (kept,) = await store.trace("req-late")
    assert (kept.status, kept.reason, kept.incident_id) == ("resolved", OVERTAKEN, incident.id)


async def test_a_resolve_that_reads_differently_closes_nothing_that_was_told_after_it(
    store: Store,
) -> None:
    other = resolved(fingerprint="fp-reads-differently")
    await arrive(store, sent(alert(), 3), sent(other, 2))
    assert await only_open(store) is not None
    await arrive(store, sent(other, 4))
    assert await only_open(store) is None


async def test_an_older_reminder_counts_and_takes_nothing_back(store: Store) -> None:
    await arrive(
        store,
        sent(alert(severity=Severity.CRITICAL, value="99 %"), 3),
        sent(alert(severity=Severity.LOW, value="70 %"), 2),
    )
    incident = await only_open(store)
    assert incident is not None
    assert (incident.alert_count, incident.firing) == (2, 1)
    assert (incident.severity, incident.value) == (Severity.CRITICAL, "99 %")


async def test_the_resolve_of_one_alert_overtakes_no_other(store: Store) -> None:
    other = alert(name="HighLoad", fingerprint="fp-load")
    elsewhere = alert(source="grafana")
    await arrive(store, sent(resolved(), 9), sent(other, 1))
    incident = await only_open(store)
    assert incident is not None
    await arrive(store, sent(elsewhere, 1))
    assert (await store.incident(incident.id)).firing == 2, (
        "another source's fingerprint is its own"
    )


async def test_what_is_told_in_the_same_moment_overtakes_nothing(store: Store) -> None:
    await arrive(store, sent(resolved(), 1), sent(alert(), 1))
    assert await only_open(store) is not None
    await arrive(store, sent(resolved(), 1))
    assert await only_open(store) is None


@pytest.mark.parametrize("known", ["neither", "the resolve's", "the alert's"])
async def test_where_it_is_not_known_when_it_was_told_the_order_of_arrival_counts(
    store: Store, known: str
) -> None:
    ended = sent(resolved(), 2) if known == "the resolve's" else identify(resolved())
    begun = sent(alert(), 1) if known == "the alert's" else identify(alert())
    await arrive(store, ended, begun)
    assert await only_open(store) is not None
    await arrive(store, identify(resolved()))
    assert await only_open(store) is None
    await arrive(store, identify(alert()))
    assert await only_open(store) is not None


async def test_the_resolve_of_something_else_with_the_same_fingerprint_overtakes_nothing(
    store: Store,
) -> None:
    """Senders count from 1."""
    other = resolved(fingerprint="1", env="staging", service="web")
    mine = alert(fingerprint="1", env="prod", service="payments")
    for number, (delivery, at) in enumerate(((other, later(5)), (mine, later(4)))):
        result = replace(identify(delivery), sent_at=at)
        receipt = await store.accept(f"d{number}", [result], channel=CHANNEL, now=later(6))
    assert receipt.opened
