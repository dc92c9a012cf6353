"""Activity at the sender of an alert reaches the incident of that alert, and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.configuration import Configuration
from bot.incidents.model import IncidentStatus, Severity
from bot.intake.reading import Activity, ActivityKind, IdentifiedActivity
from bot.policy import Policy
from store import Store
from store.operations.activities import MOST_REPLIES
from store.statements import Operation, query
from tests.helpers.builders import (
    ANA,
    CHANNEL,
    NOW,
    alert,
    deliver,
    identify,
    later,
    resolved,
)
from tests.helpers.retention import limits

PAGER, STRANGER = "http:pagerduty", "slack:B0STRANGER"
OPEN, ACKNOWLEDGED = IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED


def activity(kind: ActivityKind = ActivityKind.ACKNOWLEDGED, **changes: Any) -> Activity:
    fields: dict[str, Any] = {
        "kind": kind,
        "source": "alertmanager",
        "fingerprint": "fp-web-cpu",
        "text": "acknowledged: web: CPU at 93 %",
        "actor": "Ana Lima",
        "is_stated": True,
    }
    return Activity(**{**fields, **changes})


async def fires(store: Store, key: str = "d1", **changes: Any) -> int:
    item = replace(identify(alert(**changes)), senders=(PAGER,))
    receipt = await store.accept(key, [item], channel=CHANNEL, now=NOW)
    return receipt.incident_ids[0]


async def receive(
    store: Store, *items: Activity, sender: str = PAGER, thread: str = "", key: str = "a1"
) -> tuple[int, int]:
    identified = [
        IdentifiedActivity(item, f"{key}#{place}", (sender,), thread)
        for place, item in enumerate(items)
    ]
    receipt = await store.accept(key, [], channel=CHANNEL, now=later(60), activities=identified)
    return receipt.activities, receipt.unmatched


def replies() -> Operation[list[str]]:
    rows = yield query("SELECT subject FROM outbox WHERE kind = 'activity' ORDER BY subject")
    return [row["subject"] for row in rows]


async def status(store: Store, incident_id: int) -> IncidentStatus:
    return (await store.incident(incident_id)).status


async def test_activity_is_quoted_in_the_thread_of_the_incident_of_its_alert(
    store: Store,
) -> None:
    incident_id = await fires(store)
    assert await receive(store, activity(ActivityKind.COMMENTED)) == (1, 0)
    [subject] = await store._engine.read(replies)
    item = await store.activity(int(subject))
    assert item is not None
    assert (item.incident_id, item.actor) == (incident_id, "Ana Lima")
    assert item.text == "acknowledged: web: CPU at 93 %"
    assert not item.acknowledges
    assert [entry.kind for entry in await store.timeline(incident_id)][-1] == "activity"
    assert await status(store, incident_id) is OPEN


async def test_a_delivery_that_comes_again_attaches_nothing_twice(store: Store) -> None:
    await fires(store)
    for _ in range(2):
        await receive(store, activity(ActivityKind.COMMENTED), key="same")
    assert await receive(store, activity(ActivityKind.COMMENTED), key="sent again") == (0, 0)
    assert len(await store._engine.read(replies)) == 1


async def test_an_acknowledgement_at_the_sender_acknowledges_the_incident(store: Store) -> None:
    incident_id = await fires(store)
    await receive(store, activity())
    incident = await store.incident(incident_id)
    assert (incident.status, incident.acknowledged_by) == (ACKNOWLEDGED, "")
    assert incident.acknowledged_at == later(60)
    change = await store.acknowledge(incident_id, ANA, later(90))
    assert (change.changed, change.incident.acknowledged_by) == (True, ANA)


async def test_an_acknowledgement_that_is_withdrawn_there_leaves_the_incident_open(
    store: Store,
) -> None:
    incident_id = await fires(store)
    await receive(store, activity(), key="a1")
    await receive(store, activity(ActivityKind.UNACKNOWLEDGED), key="a2")
    incident = await store.incident(incident_id)
    assert (incident.status, incident.acknowledged_at) == (OPEN, None)
    await store.acknowledge(incident_id, ANA, later(90))
    await receive(store, activity(ActivityKind.UNACKNOWLEDGED, text="again"), key="a3")
    assert await status(store, incident_id) is ACKNOWLEDGED, "a person here acknowledged it"


async def test_the_policy_can_keep_acknowledgements_at_the_sender_there(store: Store) -> None:
    store.config.current = Configuration(
        policy=Policy.model_validate({"ingest": {"acknowledge_at_source": False}})
    )
    incident_id = await fires(store)
    assert await receive(store, activity()) == (1, 0)
    assert await status(store, incident_id) is OPEN


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize(
    ("sender", "changes"),
    [
        (PAGER, {"is_stated": False}),
        (STRANGER, {}),
        (STRANGER, {"name": "HighCpu"}),
        (PAGER, {"source": "generic", "name": "HighCpu"}),
        (PAGER, {"fingerprint": "another", "name": "HighCpu"}),
    ],
    ids=["a text", "a stranger", "a stranger that names it", "another form", "another alert"],
)
async def test_only_a_field_of_the_sender_whose_alert_fires_acknowledges(
    store: Store, sender: str, changes: dict[str, Any]
) -> None:
    incident_id = await fires(store)
    await receive(store, activity(**changes), sender=sender)
    assert await status(store, incident_id) is OPEN


async def test_activity_about_no_open_incident_is_kept_and_listed(store: Store) -> None:
    await fires(store)
    assert await receive(store, activity(fingerprint="another")) == (1, 1)
    [item] = await store.unmatched_activities()
    assert (item.incident_id, item.fingerprint, item.sender) == (None, "another", PAGER)
    assert await store._engine.read(replies) == []


async def test_a_reply_in_the_thread_of_an_alert_is_about_its_incident(store: Store) -> None:
    thread = f"slack/{CHANNEL}/1.1/"
    item = replace(identify(alert(), dedup_key=f"{thread}#0"), senders=(STRANGER,))
    receipt = await store.accept(thread, [item], channel=CHANNEL, now=NOW)
    reply = activity(ActivityKind.ASSIGNED, fingerprint="unknown", is_stated=False)
    assert await receive(store, reply, sender=STRANGER, thread=thread) == (1, 0)
    [subject] = await store._engine.read(replies)
    stored = await store.activity(int(subject))
    assert stored is not None
    assert stored.incident_id == receipt.incident_ids[0]


async def test_a_name_that_two_open_incidents_share_is_about_neither(store: Store) -> None:
    await fires(store, "d1")
    named = activity(ActivityKind.ASSIGNED, fingerprint="x", name="HighCpu")
    assert await receive(store, named, key="a1") == (1, 0)
    await fires(store, "d2", service="cart", fingerprint="fp-cart")
    assert await receive(store, replace(named, fingerprint="y"), key="a2") == (1, 1)


async def test_a_sender_does_not_flood_the_thread_with_activity(store: Store) -> None:
    await fires(store)
    many = [activity(ActivityKind.COMMENTED, text=f"note {n}") for n in range(MOST_REPLIES + 5)]
    assert await receive(store, *many) == (MOST_REPLIES + 5, 0)
    assert len(await store._engine.read(replies)) == MOST_REPLIES


async def test_an_update_of_the_senders_own_is_stored_and_says_nothing(store: Store) -> None:
    incident_id = await fires(store)
    assert await receive(store, activity(ActivityKind.UPDATED)) == (1, 0)
    assert await store._engine.read(replies) == []
    assert [entry.kind for entry in await store.timeline(incident_id)] == ["opened"]


async def test_old_activity_is_forgotten_with_the_alerts_of_its_incident(store: Store) -> None:
    await fires(store, severity=Severity.LOW)
    await receive(store, activity(ActivityKind.COMMENTED), key="a1")
    await receive(store, activity(fingerprint="another"), key="a2")
    await store.prune(limits(later(0), later(3600)))
    assert await store.unmatched_activities() == []
    [subject] = await store._engine.read(replies)
    assert await store.activity(int(subject)) is not None, "its incident is open"
    clear = replace(identify(resolved(severity=Severity.LOW)), senders=(PAGER,))
    await store.accept("end", [clear], channel=CHANNEL, now=later(120))
    await store.prune(limits(later(0), later(3600)))
    assert await store.activity(int(subject)) is None
    assert await deliver(store, alert(), at=later(7200))
