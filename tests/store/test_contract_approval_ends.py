"""Approvals in every store that end without a vote: they expire, or are revoked."""

from __future__ import annotations

import pytest

from bot.approvals.reasons import NOBODY_DECIDED
from bot.incidents.remediation import RemediationStatus
from store import Store
from tests.helpers.builders import (
    ANA,
    alert,
    claim_execution,
    deliver,
    frozen_because,
    later,
    open_incident,
    pending_approval,
    revoke,
)
from tests.helpers.voting import NO, say

# Expiry and revoking


async def test_what_nobody_decided_in_time_expires_once(store: Store) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id, expires_at=later(60))
    other = await pending_approval(store, incident.id, expires_at=later(61))
    assert await store.expire_approvals(later(59)) == 0
    assert await store.expire_approvals(later(60)) == 1
    assert await store.expire_approvals(later(60)) == 0
    after = await store.approval(result.id)
    assert after.state is RemediationStatus.EXPIRED
    assert (after.reason, after.decided_at) == (NOBODY_DECIDED, later(60))
    assert [waiting.id for waiting in await store.approvals_waiting()] == [other.id]
    shown = await store.outbox_message(f"approval:{result.id}")
    assert shown is not None
    assert shown.desired_version == 2
    assert (await store.timeline(incident.id))[-1].kind == "expired"


async def test_what_is_decided_does_not_expire(store: Store) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id)
    await say(store, result, ANA)
    assert await store.expire_approvals(later(10_000)) == 0
    assert (await store.approval(result.id)).state is RemediationStatus.APPROVED


async def test_an_approved_remediation_can_be_taken_back_before_it_is_sent(store: Store) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id)
    await say(store, result, ANA)
    assert await revoke(store, result.id, "not what was shown", later(3))
    after = await store.approval(result.id)
    assert after.state is RemediationStatus.REVOKED
    assert after.reason == frozen_because("not what was shown")
    execution = await store.execution_of(result.id)
    assert execution is not None
    assert (execution.state, execution.finished_at) == (RemediationStatus.REVOKED, later(3))
    assert await claim_execution(store, later(4)) is None
    assert (await store.timeline(incident.id))[-1].text.startswith("Revoked: everything is frozen")


@pytest.mark.parametrize("how_far", ["rejected", "finished", "revoked"])
async def test_revoking_too_late_changes_nothing(store: Store, how_far: str) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id)
    if how_far == "rejected":
        await say(store, result, ANA, NO)
    if how_far in ("finished", "revoked"):
        await say(store, result, ANA)
    if how_far == "finished":
        execution = await claim_execution(store, later(2))
        assert execution is not None
        await store.finish_execution(
            execution, RemediationStatus.SUCCEEDED, answer=None, error="", now=later(3)
        )
    if how_far == "revoked":
        await revoke(store, result.id, "first", later(2))
    before = await store.approval(result.id)
    assert not await revoke(store, result.id, "late", later(9))
    assert await store.approval(result.id) == before


async def test_the_resolve_leaves_other_incidents_approvals_alone(store: Store) -> None:
    incident = await open_incident(store)
    other = await store.incident(await deliver(store, alert(service="api", fingerprint="fp-api")))
    waiting = await pending_approval(store, other.id)
    await pending_approval(store, incident.id)
    await store.resolve(incident.id, ANA, later(1))
    assert [item.id for item in await store.approvals_waiting()] == [waiting.id]
