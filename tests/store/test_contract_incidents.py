"""Incidents that people acknowledge, assign, resolve and reopen, in every store."""

from __future__ import annotations

import pytest

from bot.approvals.reasons import INCIDENT_RESOLVED
from bot.errors import NotFound, Refused
from bot.incidents.model import IncidentChange, IncidentStatus
from bot.incidents.remediation import RemediationStatus
from bot.web.incidents import MOST, incident_details
from store import Store
from store.admin.invariants import broken
from tests.helpers.builders import (
    ANA,
    BEN,
    CHANNEL,
    alert,
    deliver,
    later,
    open_incident,
    pending_approval,
    resolved,
)


async def test_an_unknown_incident_is_not_found_by_its_number(store: Store) -> None:
    with pytest.raises(NotFound, match="There is no INC-7"):
        await store.incident(7)
    with pytest.raises(NotFound):
        await store.acknowledge(7, ANA, later(0))
    with pytest.raises(NotFound):
        await store.resolve(7, ANA, later(0))
    with pytest.raises(NotFound):
        await store.note(7, "hello", ANA, later(0))


async def test_acknowledging_says_who_and_when_and_changes_the_card(store: Store) -> None:
    incident = await open_incident(store)
    change = await store.acknowledge(incident.id, ANA, later(9))
    acked = change.incident
    assert (change.changed, change.former) == (True, "")
    assert acked.status is IncidentStatus.ACKNOWLEDGED
    assert (acked.acknowledged_by, acked.acknowledged_at) == (ANA, later(9))
    card = await store.outbox_message(f"card:{incident.id}")
    assert card is not None
    assert card.desired_version == 2
    last = (await store.timeline(incident.id))[-1]
    assert (last.kind, last.actor, last.at) == ("acknowledged", ANA, later(9))


async def test_a_second_acknowledgement_changes_nothing(store: Store) -> None:
    incident = await open_incident(store)
    first = await store.acknowledge(incident.id, ANA, later(1))
    second = await store.acknowledge(incident.id, BEN, later(2))
    assert second == IncidentChange(first.incident, changed=False, former=ANA)
    assert len(await store.timeline(incident.id)) == 2


async def test_assigning_takes_over_by_name_and_tells_the_thread(store: Store) -> None:
    incident = await open_incident(store)
    await store.acknowledge(incident.id, ANA, later(1))
    change = await store.assign(incident.id, BEN, BEN, later(2))
    assert (change.changed, change.former) == (True, ANA)
    assert (change.incident.acknowledged_by, change.incident.acknowledged_at) == (BEN, later(2))
    last = (await store.timeline(incident.id))[-1]
    assert (last.kind, last.actor) == ("assigned", BEN)
    assert last.text == f"Taken over by @{BEN}; it was @{ANA}'s"
    assert await store.outbox_message("steered:3") is not None, "opened, acknowledged, assigned"
    second = await store.assign(incident.id, BEN, BEN, later(3))
    assert (second.changed, second.former) == (False, BEN)
    assert await store._engine.read(broken) == []


async def test_assigning_what_nobody_has_acknowledged_acknowledges_it(store: Store) -> None:
    incident = await open_incident(store)
    change = await store.assign(incident.id, BEN, ANA, later(2))
    assert (change.changed, change.former) == (True, "")
    assert change.incident.status is IncidentStatus.ACKNOWLEDGED
    assert (await store.timeline(incident.id))[-1].text == f"Assigned to @{BEN} by @{ANA}"
    await store.resolve(incident.id, ANA, later(3))
    with pytest.raises(Refused, match="is resolved: there is nothing to assign"):
        await store.assign(incident.id, ANA, ANA, later(4))


async def test_a_resolved_incident_is_reopened_as_nobodys_and_resolves_in_a_new_message(
    store: Store,
) -> None:
    incident = await open_incident(store)
    assert not (await store.reopen(incident.id, BEN, later(1))).changed, "it is open"
    await store.acknowledge(incident.id, ANA, later(1))
    await store.resolve(incident.id, ANA, later(2))
    change = await store.reopen(incident.id, BEN, later(3))
    assert change.changed
    second = change.incident
    assert (second.status, second.acknowledged_by, second.resolved_at) == ("open", "", None)
    assert await store._engine.read(broken) == []
    assert await deliver(store, alert(), at=later(4)) == incident.id, "what fires joins it again"
    await store.resolve(incident.id, ANA, later(5))
    assert await store.outbox_message(f"resolved:{incident.id}/2") is not None
    assert await store._engine.read(broken) == []


async def test_an_incident_stays_resolved_while_another_of_its_service_is_open(
    store: Store,
) -> None:
    incident = await open_incident(store)
    await store.resolve(incident.id, ANA, later(1))
    other = await deliver(store, alert(), at=later(901))
    assert other != incident.id
    with pytest.raises(Refused, match=f"stays resolved: INC-{other} is open"):
        await store.reopen(incident.id, BEN, later(902))
    assert (await store.incident(incident.id)).status is IncidentStatus.RESOLVED


async def test_a_resolved_incident_cannot_be_acknowledged(store: Store) -> None:
    incident = await open_incident(store)
    await store.resolve(incident.id, ANA, later(1))
    with pytest.raises(Refused, match=f"{incident.number} is resolved"):
        await store.acknowledge(incident.id, ANA, later(2))


async def test_a_person_resolves_and_is_named(store: Store) -> None:
    incident = await open_incident(store)
    done = await store.resolve(incident.id, ANA, later(60))
    assert done.status is IncidentStatus.RESOLVED
    assert (done.resolved_by, done.resolved_at, done.firing) == (ANA, later(60), 0)
    last = (await store.timeline(incident.id))[-1]
    assert (last.kind, last.text, last.actor) == ("resolved", "Resolved by hand", ANA)
    assert await store.outbox_message(f"resolved:{incident.id}") is not None


async def test_an_incident_resolves_only_once(store: Store) -> None:
    incident = await open_incident(store)
    await store.resolve(incident.id, ANA, later(1))
    with pytest.raises(Refused, match="is resolved already"):
        await store.resolve(incident.id, BEN, later(2))
    assert (await store.incident(incident.id)).resolved_by == ANA


@pytest.mark.parametrize("by_hand", [True, False])
async def test_resolving_revokes_waiting_approvals(store: Store, by_hand: bool) -> None:
    incident = await open_incident(store)
    waiting = await pending_approval(store, incident.id)
    if by_hand:
        await store.resolve(incident.id, ANA, later(5))
    else:
        await deliver(store, resolved(), at=later(5))
    after = await store.approval(waiting.id)
    assert after.state is RemediationStatus.REVOKED
    assert (after.reason, after.decided_at) == (INCIDENT_RESOLVED, later(5))
    assert await store.approvals_waiting() == []
    shown = await store.outbox_message(f"approval:{waiting.id}")
    assert shown is not None
    assert shown.desired_version == 2


async def test_a_note_is_kept_and_shown_in_the_thread(store: Store) -> None:
    incident = await open_incident(store)
    await store.note(incident.id, "Turned off the cache", ANA, later(3))
    last = (await store.timeline(incident.id))[-1]
    assert (last.kind, last.text, last.actor) == ("note", "Turned off the cache", ANA)
    await store.outbox_sent(await _card(store, incident.id), "1.0")
    notes = [note for note in await store.outbox_due(CHANNEL, later(4)) if note.kind == "note"]
    assert [note.in_thread for note in notes] == [True]
    assert await store.remark(int(notes[0].subject)) == last
    assert await store.remark(999) is None


async def test_the_timeline_tells_the_story_oldest_first(store: Store) -> None:
    incident = await open_incident(store)
    await store.acknowledge(incident.id, ANA, later(1))
    await store.note(incident.id, "Looking", ANA, later(2))
    await store.resolve(incident.id, ANA, later(3))
    entries = await store.timeline(incident.id)
    assert [item.kind for item in entries] == ["opened", "acknowledged", "note", "resolved"]
    assert [item.at for item in entries] == [later(0), later(1), later(2), later(3)]
    assert entries[0].text == "Opened by alertmanager"
    assert await store.timeline(999) == []
    assert await store.timeline(incident.id, limit=2) == entries[-2:]
    assert await store.timeline_total(incident.id) == 4


async def test_the_details_of_an_incident_have_its_newest_entries_and_say_how_many_there_are(
    store: Store,
) -> None:
    incident = await open_incident(store)
    for number in range(MOST + 5):
        await store.note(incident.id, f"note {number}", ANA, later(number))
    details = await incident_details(store, incident.id)
    texts = [entry["text"] for entry in details["timeline"]]
    assert len(texts) == MOST
    assert (texts[0], texts[-1]) == ("note 5", f"note {MOST + 4}")
    assert details["timeline_total"] == MOST + 6


async def test_open_incidents_come_newest_first_and_in_pages(store: Store) -> None:
    ids = [await deliver(store, alert(service=f"s{n}", fingerprint=f"fp{n}")) for n in range(5)]
    await store.acknowledge(ids[1], ANA, later(1))
    await store.resolve(ids[3], ANA, later(1))
    assert [item.id for item in await store.open_incidents()] == [ids[4], ids[2], ids[1], ids[0]]
    page = await store.open_incidents(limit=2)
    assert [item.id for item in page] == [ids[4], ids[2]]
    rest = await store.open_incidents(limit=2, before=page[-1].id)
    assert [item.id for item in rest] == [ids[1], ids[0]]


async def test_incidents_are_counted_by_status(store: Store) -> None:
    assert await store.incident_counts() == {}
    ids = [await deliver(store, alert(service=f"s{n}", fingerprint=f"fp{n}")) for n in range(4)]
    await store.acknowledge(ids[0], ANA, later(1))
    await store.resolve(ids[1], ANA, later(1))
    assert await store.incident_counts() == {"open": 2, "acknowledged": 1, "resolved": 1}


async def test_the_incidents_of_a_sop_come_newest_first(store: Store) -> None:
    first = await deliver(store, alert(), sop_id="web-procedure")
    await store.resolve(first, ANA, later(1))
    second = await deliver(store, alert(), sop_id="web-procedure", at=later(901))
    await deliver(store, alert(service="db", fingerprint="fp-db"), sop_id="db-procedure")
    incidents = await store.incidents_of_sop("web-procedure")
    assert [item.id for item in incidents] == [second, first]
    assert len(await store.incidents_of_sop("web-procedure", limit=1)) == 1


async def test_an_incident_is_found_by_its_card_or_a_reply_in_its_thread(store: Store) -> None:
    incident = await open_incident(store)
    await store.note(incident.id, "Looking", ANA, later(1))
    await store.outbox_sent(await _card(store, incident.id), "100.1")
    reply = next(item for item in await store.outbox_due(CHANNEL, later(2)) if item.in_thread)
    await store.outbox_sent(reply, "100.2")
    for ts in ("100.1", "100.2"):
        result = await store.incident_of_message(CHANNEL, ts)
        assert result is not None
        assert result.id == incident.id
    assert await store.incident_of_message("C0OTHER", "100.1") is None
    assert await store.incident_of_message(CHANNEL, "100.3") is None


async def _card(store: Store, incident_id: int):  # type: ignore[no-untyped-def]
    card = await store.outbox_message(f"card:{incident_id}")
    assert card is not None
    return card
