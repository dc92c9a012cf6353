"""Try again: a person sends an action once more if it provably did not run, and in time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.approvals.model import Choice, Execution
from bot.errors import Refused
from bot.incidents.remediation import RemediationStatus
from store import Store
from tests.helpers.builders import (
    ANA,
    BEN,
    CHANNEL,
    TEAM,
    claim_execution,
    later,
    open_incident,
    pending_approval,
    voter,
)
from tests.helpers.stores import Storage
from tests.helpers.trail import fault, trail

FAILED, UNKNOWN = RemediationStatus.FAILED, RemediationStatus.OUTCOME_UNKNOWN


async def failed(
    store: Store, state: RemediationStatus = FAILED, **how: Any
) -> tuple[str, Execution]:
    result = await pending_approval(store, (await open_incident(store)).id, target="web")
    await store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
    sent = await claim_execution(store, later(2))
    assert sent is not None
    fields: dict[str, Any] = {"answer": None, "error": "refused", "not_run": True, **how}
    return result.id, await store.finish_execution(sent, state, now=later(3), **fields)


async def test_what_did_not_run_is_claimed_once_more_under_a_key_of_its_own(store: Store) -> None:
    approval_id, before = await failed(store)
    assert before.key == before.id
    await store.try_again(approval_id, BEN, later(4))
    execution = await claim_execution(store, later(5))
    assert execution is not None
    assert (execution.id, execution.attempt, execution.key) == (before.id, 2, f"{before.id}.2")
    assert await store.is_on_record(await store.approval(approval_id))
    assert "tried again" in [row.kind for row in await trail(store)]
    assert await fault(store) == ""


@pytest.mark.attack("ASI02")
@pytest.mark.parametrize(
    ("state", "how"),
    [
        (FAILED, {"not_run": False, "answer": {"exit_code": 1}}),
        (FAILED, {"looked_up": True}),
        (UNKNOWN, {}),
        (RemediationStatus.SUCCEEDED, {"answer": {"exit_code": 0}}),
    ],
)
async def test_what_may_have_run_is_never_sent_again(
    store: Store, state: RemediationStatus, how: dict[str, Any]
) -> None:
    approval_id, _ = await failed(store, state, **how)
    with pytest.raises(Refused, match="Not tried again: only what did not run can be"):
        await store.try_again(approval_id, BEN, later(4))
    assert await claim_execution(store, later(5)) is None


async def test_however_many_press_it_is_tried_once(storage: Storage) -> None:
    stores = [await storage.open(f"bot-{number}") for number in range(2)]
    approval_id, _ = await failed(stores[0])
    pressed = await asyncio.gather(
        *(store.try_again(approval_id, BEN, later(4)) for store in stores for _ in range(5)),
        return_exceptions=True,
    )
    assert sum(answer is None for answer in pressed) == 1
    claims = [await claim_execution(store, later(5)) for store in stores]
    assert len([claim for claim in claims if claim]) == 1


async def test_an_approval_that_is_too_old_or_frozen_is_not_tried_again(store: Store) -> None:
    approval_id, _ = await failed(store)
    await store.freeze(ANA, "", later(4), channel=CHANNEL)
    with pytest.raises(Refused, match="Not tried again: everything is frozen"):
        await store.try_again(approval_id, BEN, later(5))
    await store.unfreeze(ANA, later(6), channel=CHANNEL)
    with pytest.raises(Refused, match="Not tried again: approved too long ago"):
        await store.try_again(approval_id, BEN, later(901))
    await store.end_retries(later(901))
    execution = await store.execution_of(approval_id)
    assert execution is not None
    assert execution.retry_until is None
