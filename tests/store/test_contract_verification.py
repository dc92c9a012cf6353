"""A remediation is judged by the alerts that fired when it was sent, as their senders tell them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.blockers import requirement_of
from bot.approvals.facts import Config
from bot.approvals.limits import Limits
from bot.approvals.model import ApprovalConditions, Binding, Choice
from bot.incidents.correlation import DeliveryPart
from bot.incidents.model import Alert
from bot.incidents.remediation import RemediationStatus
from store import Store
from tests.helpers.builders import (
    ANA,
    CHANNEL,
    TEAM,
    alert,
    claim_execution,
    identify,
    later,
    pending_approval,
    resolved,
    voter,
)

pytestmark = pytest.mark.attack("ASI07")

MONITOR, STRANGER, TWIN = "slack:B0MONITOR", "slack:B0STRANGER", "http:alertmanager"
_keys = iter(range(10_000))


async def receive(store: Store, item: Alert, *senders: str, at: float, **changes: str) -> int:
    identified = replace(identify(item), senders=senders or (MONITOR,), **changes)
    receipt = await store.accept(f"w{next(_keys)}", [identified], channel=CHANNEL, now=later(at))
    return receipt.incident_ids[-1]


async def sent(store: Store, incident_id: int) -> str:
    """A request for it is on record; the execution's id."""
    incident = await store.incident(incident_id)
    terms = ApprovalConditions(
        bound=Binding(severity=incident.severity, env=incident.env, service="web")
    )
    approval = await pending_approval(store, incident_id, terms=terms)
    await store.vote(approval.id, voter(ANA), Choice.APPROVE, TEAM, later(10))
    execution = await claim_execution(store, later(11), Limits())
    assert execution is not None
    config = Config(sop="", requirement=requirement_of(approval))
    approval = await store.approval(approval.id)
    detail = {"key": "k"}
    assert await store.record_request(execution, approval, later(12), Limits(), config, detail)
    return execution.id


async def verifying(store: Store, execution_id: str) -> list[tuple[str, bool]]:
    return [
        (verifying_alert.sender, verifying_alert.cleared)
        for verifying_alert in await store.verifying_alerts(execution_id)
    ]


async def test_what_a_stranger_fires_after_it_was_sent_verifies_nothing(store: Store) -> None:
    incident_id = await receive(store, alert(), at=0)
    execution_id = await sent(store, incident_id)
    assert await receive(store, alert(fingerprint="x"), STRANGER, at=13) == incident_id
    assert await verifying(store, execution_id) == [(MONITOR, False)]
    await receive(store, resolved(), at=14)
    assert await verifying(store, execution_id) == [(MONITOR, True)]
    assert (await store.incident(incident_id)).firing == 1, "the stranger's is on the card"


async def test_a_strangers_resolve_clears_no_verifying_alert(store: Store) -> None:
    incident_id = await receive(store, alert(), at=0)
    await receive(store, alert(fingerprint="x"), STRANGER, at=1)
    execution_id = await sent(store, incident_id)
    await receive(store, resolved(), STRANGER, at=13)
    await receive(store, resolved(fingerprint="x"), STRANGER, at=14)
    assert await verifying(store, execution_id) == [(MONITOR, False), (STRANGER, True)]


async def test_senders_that_are_declared_to_be_one_clear_each_others_alerts(
    store: Store,
) -> None:
    incident_id = await receive(store, alert(), at=0)
    execution_id = await sent(store, incident_id)
    await receive(store, resolved(), TWIN, MONITOR, at=13)
    assert await verifying(store, execution_id) == [(MONITOR, True)]


async def test_a_resolve_by_name_alone_clears_verifying_alerts(store: Store) -> None:
    incident_id = await receive(store, alert(), at=0)
    execution_id = await sent(store, incident_id)
    await receive(store, resolved(fingerprint="reads differently"), at=13)
    assert await verifying(store, execution_id) == [(MONITOR, True)]


async def test_what_fires_again_has_not_cleared(store: Store) -> None:
    incident_id = await receive(store, alert(), at=0)
    await receive(store, alert(fingerprint="other", name="Other"), at=1)
    execution_id = await sent(store, incident_id)
    await receive(store, resolved(), at=13)
    await receive(store, alert(), at=14)
    assert await verifying(store, execution_id) == [(MONITOR, False), (MONITOR, False)]


async def test_an_edit_of_the_message_is_no_clear(store: Store) -> None:
    first = replace(identify(alert(), dedup_key="C0/1.1/0#0"), senders=(MONITOR,))
    receipt = await store.accept("e1", [first], channel=CHANNEL, now=later(0))
    (incident_id,) = receipt.incident_ids
    execution_id = await sent(store, incident_id)
    edited = replace(
        identify(alert(fingerprint="reads differently"), dedup_key="C0/1.1/1#0"),
        senders=(MONITOR,),
        edit_of=DeliveryPart("C0/1.1/", 0),
    )
    await store.accept("e2", [edited], channel=CHANNEL, now=later(13))
    assert (await store.incident(incident_id)).firing == 1
    assert await verifying(store, execution_id) == [(MONITOR, False)]
    await receive(store, resolved(fingerprint="reads differently"), at=14)
    assert await verifying(store, execution_id) == [(MONITOR, True)]


async def test_a_person_who_resolves_and_reopens_the_incident_clears_nothing(store: Store) -> None:
    incident_id = await receive(store, alert(), at=0)
    execution_id = await sent(store, incident_id)
    await store.resolve(incident_id, ANA, later(13))
    await store.reopen(incident_id, ANA, later(14))
    assert await verifying(store, execution_id) == [(MONITOR, False)]


async def test_no_alert_verifies_once_the_verdict_is_known(store: Store) -> None:
    execution_id = await sent(store, await receive(store, alert(), at=0))
    execution = await store.execution(execution_id)
    await store.finish_execution(
        execution, RemediationStatus.SUCCEEDED, answer={}, error="", now=later(13)
    )
    assert await verifying(store, execution_id) == [(MONITOR, False)]
    assert await store.conclude(execution_id, RemediationStatus.VERIFIED, "it helped", later(14))
    assert await verifying(store, execution_id) == []
