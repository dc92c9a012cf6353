"""The senders of alerts take turns within a severity, in every store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.incidents.model import Severity
from store import Store
from tests.helpers.builders import CHANNEL, alert, identify, later

FLOOD, OTHER = "http:alertmanager", "slack:B0GRAFANA"


async def sends(
    store: Store, sender: str, service: str, severity: Severity = Severity.HIGH, at: float = 0
) -> int:
    """An incident of its own."""
    item = alert(service=service, fingerprint=service, severity=severity)
    identified = replace(identify(item), senders=(sender,))
    receipt = await store.accept(identified.dedup_key, [identified], channel=CHANNEL, now=later(at))
    return receipt.incident_ids[0]


async def cards(store: Store, yielding: tuple[str, ...] = ()) -> list[int]:
    """The incidents whose cards are next, in their order."""
    due = await store.outbox_due(CHANNEL, later(1000), 1000, yielding=yielding)
    return [message.incident_id or 0 for message in due if message.kind == "card"]


async def posted(store: Store, incident: int) -> None:
    message = await store.outbox_message(f"card:{incident}")
    assert message is not None
    await store.outbox_sent(message, f"9.{incident}")


@pytest.mark.attack("ASI08")
async def test_who_sends_one_is_not_behind_all_of_who_sent_many(store: Store) -> None:
    many = [await sends(store, FLOOD, f"flood-{number}", at=number) for number in range(20)]
    result = await sends(store, OTHER, "web", at=30)
    assert (await cards(store))[:3] == [many[0], result, many[1]]


async def test_who_comes_late_neither_waits_for_a_backlog_nor_makes_up_for_lost_turns(
    store: Store,
) -> None:
    many = [await sends(store, FLOOD, f"flood-{number}", at=number) for number in range(20)]
    for incident in many[:10]:
        await posted(store, incident)
    late = [await sends(store, OTHER, f"late-{number}", at=40 + number) for number in range(3)]
    due = await cards(store)
    assert due[:6] == [many[10], late[0], many[11], late[1], many[12], late[2]]


async def test_a_turn_is_within_a_severity_and_not_across(store: Store) -> None:
    critical = [
        await sends(store, FLOOD, f"flood-{number}", Severity.CRITICAL) for number in range(3)
    ]
    low = await sends(store, OTHER, "web", Severity.LOW)
    assert await cards(store) == [*critical, low]


async def test_who_yields_comes_after_the_cards_of_everybody_else_the_most_severe_first(
    store: Store,
) -> None:
    low = await sends(store, FLOOD, "flood-low", Severity.LOW)
    critical = await sends(store, FLOOD, "flood-critical", Severity.CRITICAL)
    other = await sends(store, OTHER, "web", Severity.LOW)
    assert await cards(store) == [critical, low, other]
    assert await cards(store, yielding=(FLOOD,)) == [other, critical, low]
    assert await cards(store, yielding=(FLOOD, OTHER)) == [critical, low, other]


async def test_what_stands_in_a_thread_is_of_its_cards_sender(store: Store) -> None:
    incident = await sends(store, FLOOD, "web")
    await store.note(incident, "look", "U0ANA00001", later(1))
    await posted(store, incident)
    notes = [m for m in await store.outbox_due(CHANNEL, later(2)) if m.kind == "note"]
    assert [message.sender for message in notes] == [FLOOD]


async def test_an_incident_that_got_graver_before_its_card_was_up_has_the_next_turn(
    store: Store,
) -> None:
    many = [await sends(store, FLOOD, f"flood-{number}", Severity.CRITICAL) for number in range(5)]
    more_severe = await sends(store, OTHER, "web", Severity.LOW)
    item = alert(service="web", fingerprint="web", severity=Severity.CRITICAL)
    identified = replace(identify(item), senders=(OTHER,))
    await store.accept(identified.dedup_key, [identified], channel=CHANNEL, now=later(9))
    assert (await cards(store)).index(more_severe) <= 1, many


async def test_a_storms_digest_counts_what_each_sender_has_waiting(store: Store) -> None:
    many = [await sends(store, FLOOD, f"flood-{number}") for number in range(4)]
    await sends(store, OTHER, "web")
    assert await store.update_burst(CHANNEL, 3, later(1), remind=True)
    await posted(store, many[0])
    storm = await store.storm(1)
    assert storm is not None
    assert storm.senders == ((FLOOD, 4, 3), (OTHER, 1, 1))
