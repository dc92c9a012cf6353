"""A muted incident: its card changes, its thread stays quiet, until it clears or gets worse."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.errors import Refused
from bot.incidents.model import Mute, Severity
from store import Store
from store.messages import EVERYTHING
from store.operations.cutoffs import Cutoff
from tests.helpers.builders import (
    ANA,
    BEN,
    CHANNEL,
    NOW,
    alert,
    deliver,
    later,
    pending_approval,
    resolved,
)

HOUR = 3600


async def open_posted(store: Store, severity: Severity = Severity.HIGH) -> int:
    """The id of an incident whose card and advice are posted."""
    incident_id = await deliver(store, alert(severity=severity))
    await store.give_advice(1, {"source": "SOP"}, "advice", NOW)
    await posted(store, NOW)
    return incident_id


async def posted(store: Store, now: datetime) -> list[str]:
    """Post all that is due; the kinds of the messages that are new."""
    new = []
    for _ in range(5):
        for message in await store.outbox_due(CHANNEL, now, 20, EVERYTHING, []):
            if message.ts is None:
                new.append(message.kind)
            await store.outbox_sent(message, message.ts or f"17.{message.id}")
    return new


async def test_a_muted_incident_posts_nothing_and_its_card_changes(store: Store) -> None:
    incident_id = await open_posted(store)
    change = await store.mute(incident_id, ANA, None, later(1))
    assert (change.changed, change.incident.mute) == (True, Mute(ANA, None))
    assert not (await store.mute(incident_id, ANA, None, later(2))).changed
    await posted(store, later(2))
    await deliver(store, alert(fingerprint="second"), at=later(3))
    card = await store.outbox_message(f"card:{incident_id}")
    assert card is not None
    assert card.sent_version < card.desired_version, "the card changes"
    assert await store.report_unanswered(Cutoff(later(300)), lambda _: [BEN], later(600)) == 0
    assert await store.ask_if_stale(Cutoff(later(500)), later(700)) == 1, "the card asks"
    assert await posted(store, later(800)) == []
    entries = [(entry.text, entry.actor) for entry in await store.timeline(incident_id)]
    assert ("Muted until it clears", ANA) in entries


async def test_a_mute_ends_when_the_severity_rises_and_the_news_is_posted(store: Store) -> None:
    incident_id = await open_posted(store)
    await store.mute(incident_id, ANA, None, later(1))
    await deliver(store, alert(severity=Severity.LOW), at=later(2))
    assert (await store.incident(incident_id)).mute is not None, "better is not worse"
    await deliver(store, alert(severity=Severity.CRITICAL), at=later(3))
    assert (await store.incident(incident_id)).mute is None
    assert await posted(store, later(4)) == ["news"]
    assert "Mute ended: it got worse" in [e.text for e in await store.timeline(incident_id)]


async def test_a_mute_ends_when_the_incident_is_resolved_and_that_is_posted(store: Store) -> None:
    incident_id = await open_posted(store)
    await store.mute(incident_id, ANA, None, later(1))
    await deliver(store, resolved(), at=later(2))
    assert (await store.incident(incident_id)).mute is None
    assert await posted(store, later(3)) == ["resolved"]
    with pytest.raises(Refused, match="nothing to mute"):
        await store.mute(incident_id, ANA, None, later(4))


async def test_a_mute_ends_by_time_and_what_nobody_acknowledged_is_reported(store: Store) -> None:
    incident_id = await open_posted(store)
    await store.mute(incident_id, ANA, NOW + timedelta(hours=1), later(1))
    assert await store.end_mutes(later(HOUR - 1)) == 0
    assert await store.report_unanswered(Cutoff(later(300)), lambda _: [BEN], later(HOUR - 1)) == 0
    assert await store.end_mutes(later(HOUR)) == 1
    assert await store.end_mutes(later(HOUR)) == 0
    assert (await store.incident(incident_id)).mute is None
    assert await store.report_unanswered(Cutoff(later(300)), lambda _: [BEN], later(HOUR)) == 1
    assert await posted(store, later(HOUR + 1)) == ["news"]


async def test_a_person_ends_a_mute(store: Store) -> None:
    incident_id = await open_posted(store)
    await store.mute(incident_id, ANA, None, later(1))
    assert (await store.unmute(incident_id, BEN, later(2))).changed
    assert not (await store.unmute(incident_id, BEN, later(3))).changed
    entries = [(entry.text, entry.actor) for entry in await store.timeline(incident_id)]
    assert ("Mute ended", BEN) in entries


async def test_the_answers_to_people_are_posted_in_a_muted_thread(store: Store) -> None:
    incident_id = await open_posted(store)
    await store.mute(incident_id, ANA, None, later(1))
    incident = await store.incident(incident_id)
    await store.note(incident_id, "a remark", BEN, later(2))
    await store.enqueue_advice(incident, "why?", BEN, later(2))
    await pending_approval(store, incident_id)
    await store.give_advice(2, {"source": "SOP"}, "because", later(3))
    await store.assign(incident_id, BEN, ANA, later(4))
    assert sorted(await posted(store, later(5))) == ["advice", "approval", "note", "steered"]


async def test_unasked_advice_of_a_muted_incident_is_kept_and_not_posted(store: Store) -> None:
    incident_id = await deliver(store, alert())
    await posted(store, NOW)
    await store.mute(incident_id, ANA, None, later(1))
    await store.give_advice(1, {"source": "SOP"}, "advice", later(2))
    assert await posted(store, later(3)) == []
    record = await store.advice(1)
    assert record is not None
    assert record.body == {"source": "SOP"}
