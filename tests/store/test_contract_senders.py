"""Only the sender of what fires may clear it; what anybody else says of it is kept and told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.incidents.correlation import DeliveryPart, Reason
from bot.incidents.model import Alert, IncidentStatus, Severity
from store import Store
from tests.helpers.builders import (
    CHANNEL,
    alert,
    identify,
    later,
    open_incident,
    resolved,
)
from tests.helpers.trail import fault

pytestmark = pytest.mark.attack("ASI07")

OPEN, RESOLVED = IncidentStatus.OPEN, IncidentStatus.RESOLVED
MONITOR, STRANGER, OTHER = "slack:B0MONITOR", "slack:B0STRANGER", "http:alertmanager"
_keys = iter(range(10_000))


async def receive(
    store: Store, item: Alert, *senders: str, at: float = 0, key: str = "", **changes: Any
) -> int:
    """The alert as its sender (and those that are the same) told it; the incident it touched."""
    who = senders or (MONITOR,)
    identified = replace(identify(item, dedup_key=key), senders=who, **changes)
    receipt = await store.accept(f"d{next(_keys)}", [identified], channel=CHANNEL, now=later(at))
    return receipt.incident_ids[-1] if receipt.incident_ids else 0


async def status(store: Store, incident_id: int) -> IncidentStatus:
    return (await store.incident(incident_id)).status


@pytest.mark.parametrize(
    "forged",
    [
        {},
        {"fingerprint": "another"},
        {"source": "generic", "fingerprint": "fp-web-cpu"},
        {"name": "OtherName", "fingerprint": "x"},
        {"env": "", "service": "web"},
    ],
)
@pytest.mark.parametrize("stranger", [STRANGER, OTHER])
async def test_a_strangers_resolve_ends_nothing_and_is_kept_and_said_once(
    store: Store, stranger: str, forged: dict[str, str]
) -> None:
    incident_id = await receive(store, alert())
    for at in (1, 2):
        touched = await receive(store, resolved(**forged), stranger, at=at)
        assert touched in (0, incident_id)
    assert await status(store, incident_id) is OPEN
    notes = [entry.text for entry in await store.timeline(incident_id) if entry.kind == "note"]
    if touched:
        (note,) = notes
        assert note.startswith(f"{stranger} says that it is resolved, but what fires here was sent")
    await receive(store, resolved(), at=3)
    assert await status(store, incident_id) is RESOLVED
    assert await fault(store) == ""


async def test_the_stored_alert_says_that_it_cleared_nothing(store: Store) -> None:
    incident_id = await receive(store, alert())
    result = replace(identify(resolved(), tracking_id="req-stranger"), senders=(STRANGER,))
    await store.accept("d", [result], channel=CHANNEL, now=later(1))
    (traced,) = await store.trace("req-stranger")
    assert (traced.incident_id, traced.reason) == (incident_id, Reason.NOT_ITS_SENDER)


async def test_what_a_stranger_fires_and_resolves_leaves_the_others_alert_firing(
    store: Store,
) -> None:
    incident_id = await receive(store, alert(severity=Severity.CRITICAL))
    assert await receive(store, alert(severity=Severity.LOW), STRANGER, at=1) == incident_id
    incident = await store.incident(incident_id)
    assert (incident.severity, incident.firing) == (Severity.CRITICAL, 2), "nor calms it down"
    await receive(store, resolved(), STRANGER, at=2)
    incident = await store.incident(incident_id)
    assert (incident.status, incident.firing) == (OPEN, 1)
    await receive(store, resolved(), at=3)
    assert await status(store, incident_id) is RESOLVED
    assert await fault(store) == ""


async def test_a_resolve_that_a_stranger_said_later_does_not_swallow_a_real_alert(
    store: Store,
) -> None:
    await receive(store, resolved(), STRANGER, at=0, sent_at=later(600))
    incident_id = await receive(store, alert(), at=1, sent_at=later(1))
    assert incident_id
    assert await status(store, incident_id) is OPEN


async def test_an_edit_that_another_sender_makes_of_a_message_is_no_edit_of_it(
    store: Store,
) -> None:
    message = "slack/C0ALERTS/1.5/"
    incident_id = await receive(store, alert(), key=f"{message}#0")
    calm = resolved(fingerprint="other", name="Other")
    await receive(
        store, calm, STRANGER, at=1, key=f"{message}2#0", edit_of=DeliveryPart(message, 0)
    )
    assert await status(store, incident_id) is OPEN
    await receive(store, calm, at=2, key=f"{message}3#0", edit_of=DeliveryPart(message, 0))
    assert await status(store, incident_id) is RESOLVED


async def test_a_resolve_by_name_alone_is_its_senders_too(store: Store) -> None:
    incident_id = await receive(store, alert())
    await receive(store, alert(fingerprint="theirs", name="Theirs"), STRANGER, at=1)
    await receive(store, resolved(fingerprint="x"), STRANGER, at=2)
    assert (await store.incident(incident_id)).firing == 2
    await receive(store, resolved(fingerprint="x"), at=3)
    assert (await store.incident(incident_id)).firing == 1


async def test_senders_that_the_operator_declares_to_be_one_clear_each_others_alerts(
    store: Store,
) -> None:
    incident_id = await receive(store, alert(), MONITOR, OTHER)
    await receive(store, alert(), OTHER, MONITOR, at=1)
    assert (await store.incident(incident_id)).firing == 1, "the same alert, told twice"
    await receive(store, resolved(), OTHER, MONITOR, at=2)
    assert await status(store, incident_id) is RESOLVED


async def test_what_fired_before_senders_were_known_is_cleared_by_its_source(
    store: Store,
) -> None:
    incident = await open_incident(store)
    await receive(store, alert(), at=1)
    assert (await store.incident(incident.id)).firing == 1
    await receive(store, resolved(), at=2)
    assert await status(store, incident.id) is RESOLVED
