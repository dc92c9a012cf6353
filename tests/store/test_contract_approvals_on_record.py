"""An approval is checked against the audit trail before it is acted on, in every store."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import pytest

from bot.approvals.model import Approval, Choice
from bot.incidents.remediation import RemediationStatus
from store import Store
from store.audit.proof.rows import Row, body_text, canonical, link_text
from store.audit.sealing import AuditKey
from store.statements import to_db_time
from tests.helpers.builders import (
    ANA,
    BEN,
    CAT,
    NOW,
    TEAM,
    claim_execution,
    later,
    open_incident,
    pending_approval,
    voter,
)
from tests.helpers.trail import tamper

# A yes that is about to be acted on


async def an_approval(store: Store, **changes: Any) -> Approval:
    """Of Ana and Ben, as the store has it."""
    result = await pending_approval(store, (await open_incident(store)).id, needed=2, **changes)
    await store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
    return await store.vote(result.id, voter(BEN), Choice.APPROVE, TEAM, later(2))


async def test_an_approval_that_people_gave_is_on_record(store: Store) -> None:
    result = await an_approval(store)
    assert await store.is_on_record(result)
    assert await claim_execution(store, later(3))
    assert await store.is_on_record(result), "it may have to be sent by another replica"


async def test_an_approval_by_the_policy_alone_is_on_record(store: Store) -> None:
    incident = await open_incident(store)
    approved = RemediationStatus.APPROVED
    result = await pending_approval(store, incident.id, needed=0, state=approved, decided_at=NOW)
    assert await store.is_on_record(result)
    assert not await store.is_on_record(replace(result, decided_at=later(1)))


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (("UPDATE votes SET voter = ? WHERE voter = ?", CAT, ANA), f"the approval by {CAT}"),
        (("UPDATE approvals SET digest = 'forged'",), "that this was proposed"),
        (
            ("UPDATE approvals SET decided_at = '2026-11-21T04:00:00.000000Z'",),
            "that it was approved then",
        ),
        (("DELETE FROM audit WHERE kind = 'proposed'",), "that this was proposed"),
        (("DELETE FROM audit WHERE kind = 'voted' AND actor = ?", ANA), f"the approval by {ANA}"),
        (("DELETE FROM audit WHERE kind = 'approved'",), "that it was approved then"),
        (
            ("UPDATE audit SET at = ? WHERE kind = 'approved'", "2026-11-21T04:00:00.000000Z"),
            "that it was approved then",
        ),
        (("UPDATE audit SET kind = 'voted' WHERE kind = 'approved'",), "that it was approved then"),
        (("UPDATE audit SET mac = 'x' WHERE kind = 'voted'",), f"the approval by {ANA}"),
    ],
)
async def test_an_approval_that_is_not_on_record_is_reported(
    store: Store, change: tuple[Any, ...], missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    result = await an_approval(store)
    await tamper(store, change)
    assert not await store.is_on_record(await store.approval(result.id))
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert f"this is not on record: {missing}: was the store edited?" in record.getMessage()


async def test_a_vote_row_that_takes_the_key_is_not_made_without_it(store: Store) -> None:
    result = await pending_approval(store, (await open_incident(store)).id)
    stranger = AuditKey("some other key of 16")
    at = to_db_time(later(1))
    for seq, (kind, detail) in enumerate(
        [("voted", {"choice": "approve", "digest": result.digest}), ("approved", {})], start=2
    ):
        row = Row(seq, at, kind, result.incident_id, result.id, ANA, canonical(detail), "", "")
        mac = stranger.mac(link_text(seq, "", stranger.mac(body_text(row))))
        await tamper(
            store, ("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", *astuple(row)[:8], mac)
        )
    await tamper(
        store,
        ("INSERT INTO votes VALUES (?, ?, 'approve', ?, '')", result.id, ANA, at),
        ("UPDATE approvals SET state = 'approved', decided_at = ?, decided_by = ?", at, ANA),
    )
    assert not await store.is_on_record(await store.approval(result.id))


async def test_a_used_approval_does_not_count_a_second_time(store: Store) -> None:
    result = await an_approval(store)
    sent = await claim_execution(store, later(3))
    assert sent is not None
    await store.finish_execution(
        sent, RemediationStatus.SUCCEEDED, answer={"exit": 0}, error="", now=later(4)
    )
    # As if it had never been sent, under a name that the gateway has not seen.
    await tamper(
        store, ("UPDATE executions SET id = 'exec-again', state = 'approved', started_at = NULL",)
    )
    assert not await store.is_on_record(await store.approval(result.id))
