"""A person sets the severity, leaves a note, and asks a second person for help."""

from __future__ import annotations

import pytest

from bot.errors import Refused, SubmitAgain
from bot.incidents.model import Escalation, IncidentStatus, Severity
from store import Store
from store.messages import EVERYTHING
from tests.helpers.builders import ANA, BEN, alert, deliver, later

CHLOE, DIRECT = "U0CHLOE001", "D0BEN00001"


async def entries_of(store: Store, incident_id: int, kind: str) -> list[tuple[str, str]]:
    """(text, actor) of each entry of one kind."""
    entries = await store.timeline(incident_id)
    return [(entry.text, entry.actor) for entry in entries if entry.kind == kind]


async def test_the_severity_that_a_person_sets_lasts_until_the_incident_ends(store: Store) -> None:
    incident_id = await deliver(store, alert(severity=Severity.HIGH))
    await store.acknowledge(incident_id, BEN, later(1))
    change = await store.set_severity(incident_id, Severity.LOW, ANA, later(2))
    assert (change.changed, change.incident.severity) == (True, Severity.LOW)
    assert await entries_of(store, incident_id, "severity set") == [
        (f"Severity set to low by @{ANA}; it was high. Owner: @{BEN}", ANA)
    ]
    second = await store.set_severity(incident_id, Severity.LOW, BEN, later(3))
    assert (second.changed, second.former) == (False, ANA)
    with pytest.raises(SubmitAgain, match=f"<@{ANA}> set the severity of INC-1 to low") as error:
        await store.set_severity(incident_id, Severity.HIGH, BEN, later(3), seen="high.")
    assert error.value.seen == f"low.{ANA}"
    with pytest.raises(SubmitAgain, match=f"became <@{BEN}> while"):
        await store.assign(incident_id, CHLOE, CHLOE, later(3), seen="nobody")

    worse = alert(severity=Severity.CRITICAL, fingerprint="second", title="worse")
    assert await deliver(store, worse, at=later(4)) == incident_id
    incident = await store.incident(incident_id)
    assert (incident.severity, incident.severity_by) == (Severity.LOW, ANA)
    assert incident.title == "worse", "it shows its most severe alert all the same"

    await store.resolve(incident_id, ANA, later(5))
    with pytest.raises(Refused, match="resolved: its severity does not change any more"):
        await store.set_severity(incident_id, Severity.HIGH, ANA, later(6))
    await store.reopen(incident_id, ANA, later(7))
    assert (await store.incident(incident_id)).severity_by == ""
    await deliver(store, alert(severity=Severity.CRITICAL, fingerprint="third"), at=later(8))
    assert (await store.incident(incident_id)).severity is Severity.CRITICAL


async def test_a_severity_that_a_person_raised_hides_no_alert_that_is_worse_than_the_shown(
    store: Store,
) -> None:
    incident_id = await deliver(store, alert(severity=Severity.LOW))
    await store.set_severity(incident_id, Severity.CRITICAL, ANA, later(1))
    await deliver(
        store, alert(severity=Severity.HIGH, fingerprint="second", title="worse"), at=later(2)
    )
    incident = await store.incident(incident_id)
    assert (incident.severity, incident.title) == (Severity.CRITICAL, "worse")


async def test_a_note_is_kept_once_however_often_the_command_is_delivered(store: Store) -> None:
    incident_id = await deliver(store, alert())
    for _ in range(2):
        await store.note(incident_id, "rolled back", ANA, later(1), "command/1")
    assert await entries_of(store, incident_id, "note") == [("rolled back", ANA)]


async def test_an_escalation_asks_once_and_lasts_until_that_person_answers(store: Store) -> None:
    incident_id = await deliver(store, alert())
    await store.acknowledge(incident_id, ANA, later(1))
    change = await store.escalate(incident_id, BEN, ANA, "disk is full", DIRECT, later(2), "c1")
    assert (change.changed, change.incident.escalation) == (True, Escalation(BEN, ANA, later(2)))
    for key in ("c1", "c2"):
        second = await store.escalate(incident_id, BEN, ANA, "", DIRECT, later(3), key)
        assert not second.changed
    entry = f"Escalated to @{BEN} by @{ANA}: disk is full"
    assert await entries_of(store, incident_id, "escalated") == [(entry, ANA)]
    messages = await store.outbox_due(DIRECT, later(4), 20, EVERYTHING, [])
    assert [message.kind for message in messages] == ["escalation"]

    assert not (await store.acknowledge(incident_id, CHLOE, later(5))).changed
    assert (await store.incident(incident_id)).escalation is not None
    answered = await store.acknowledge(incident_id, BEN, later(6))
    assert (answered.changed, answered.former) == (True, ANA), "the incident stays ana's"
    incident = await store.incident(incident_id)
    assert (incident.escalation, incident.acknowledged_by) == (None, ANA)
    assert await entries_of(store, incident_id, "escalation answered") == [
        (f"Escalation answered by @{BEN}; @{ANA} had asked", BEN)
    ]


async def test_who_answers_the_escalation_of_an_incident_without_an_owner_becomes_it(
    store: Store,
) -> None:
    incident_id = await deliver(store, alert())
    await store.escalate(incident_id, BEN, ANA, "", "", later(1), "c1")
    change = await store.acknowledge(incident_id, BEN, later(2))
    assert (change.incident.status, change.former) == (IncidentStatus.ACKNOWLEDGED, "")
    incident = await store.incident(incident_id)
    assert (incident.escalation, incident.acknowledged_by) == (None, BEN)


async def test_taking_the_incident_over_answers_its_escalation_and_reopening_ends_it(
    store: Store,
) -> None:
    incident_id = await deliver(store, alert())
    await store.escalate(incident_id, BEN, ANA, "", "", later(1), "c1")
    await store.assign(incident_id, CHLOE, ANA, later(2))
    assert (await store.incident(incident_id)).escalation is not None
    await store.assign(incident_id, BEN, BEN, later(3))
    assert (await store.incident(incident_id)).escalation is None

    await store.escalate(incident_id, CHLOE, BEN, "", "", later(4), "c2")
    await store.resolve(incident_id, BEN, later(5))
    with pytest.raises(Refused, match="there is nothing to escalate"):
        await store.escalate(incident_id, CHLOE, BEN, "", "", later(6), "c3")
    await store.reopen(incident_id, BEN, later(7))
    assert (await store.incident(incident_id)).escalation is None
