"""Executions in every store: claimed once, finished once, concluded once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import time

import pytest

from bot.approvals.blockers import requirement_of
from bot.approvals.facts import Config
from bot.approvals.limits import Limits
from bot.approvals.model import ApprovalConditions, Binding, Execution
from bot.approvals.reason_text import sentence
from bot.approvals.reasons import INCIDENT_RESOLVED
from bot.incidents.remediation import RemediationStatus
from bot.incidents.time_windows import TimeWindow
from store import Store
from tests.helpers.builders import (
    ANA,
    NOW,
    OPS,
    claim_execution,
    later,
    open_incident,
    revoke,
)
from tests.helpers.executions import DONE, approved, dispatching, finish, version_of
from tests.helpers.stores import Storage
from tests.helpers.trail import fault, trail


async def may_send(
    store: Store,
    execution: Execution,
    at: float,
    *,
    needed: int | None = None,
    windows: tuple[TimeWindow, ...] = (),
) -> bool:
    """The last word before it is sent, with the policy and the windows as they are then."""
    approval = await store.approval(execution.approval_id)
    requirement = requirement_of(approval)
    requirement = replace(requirement, needed=needed or requirement.needed)
    config = Config(sop="", requirement=requirement)
    return await store.record_request(
        execution, approval, later(at), Limits(windows=windows), config, {"key": execution.id}
    )


# Claiming


async def test_the_oldest_approved_execution_is_claimed_by_its_owner(store: Store) -> None:
    incident = await open_incident(store)
    second = await approved(store, incident, at=4)
    first = await approved(store, incident, at=3)
    claimed = await claim_execution(store, later(9))
    assert claimed is not None
    assert claimed.id == first.id
    assert (claimed.state, claimed.owner) == (RemediationStatus.DISPATCHING, "bot-a")
    assert claimed.started_at == later(9)
    assert await store.execution(first.id) == claimed
    execution = await claim_execution(store, later(10))
    assert execution is not None
    assert execution.id == second.id
    assert await claim_execution(store, later(11)) is None


@pytest.mark.sqlite_file
async def test_an_execution_is_claimed_by_exactly_one_of_many(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    incident = await open_incident(here)
    execution = await approved(here, incident)
    claims = await asyncio.gather(
        *(claim_execution(store, later(2)) for store in (here, there) for _ in range(25))
    )
    won = [claim for claim in claims if claim]
    assert [claim.id for claim in won] == [execution.id]


async def test_the_claim_is_shown_on_the_approval_card(store: Store) -> None:
    incident = await open_incident(store)
    execution = await dispatching(store, incident)
    assert await version_of(store, f"approval:{execution.approval_id}") == 3


async def test_an_orphan_is_adopted_by_exactly_one(
    storage: Storage,
) -> None:
    dead = await storage.open("bot-a")
    heirs = [await storage.open("bot-b"), await storage.open("bot-c")]
    incident = await open_incident(dead)
    execution = await dispatching(dead, incident)
    assert await dead.orphaned_executions(NOW, NOW) == []
    items = [await heir.orphaned_executions(NOW, NOW) for heir in heirs]
    assert items == [[execution], [execution]]
    adopted = await asyncio.gather(*(heir.adopt_execution(execution, later(3)) for heir in heirs))
    assert sorted(adopted) == [False, True]
    winner = heirs[adopted.index(True)]
    assert (await dead.execution(execution.id)).owner == winner.owner
    assert await winner.orphaned_executions(NOW, NOW) == []


async def test_what_we_claimed_long_ago_is_an_orphan_too_for_the_claims_answer_may_be_lost(
    store: Store,
) -> None:
    execution = await dispatching(store, await open_incident(store))
    assert await store.orphaned_executions(later(2), NOW) == []
    assert await store.orphaned_executions(later(3), NOW) == [execution]
    assert await store.adopt_execution(execution, later(9))
    assert await store.orphaned_executions(later(9), NOW) == [], "it is looked up from then"


async def test_a_takeover_keeps_the_first_start_and_the_trail_still_fits(storage: Storage) -> None:
    dead, heir = await storage.open("bot-a"), await storage.open("bot-b")
    execution = await dispatching(dead, await open_incident(dead), terms=BOUND)
    assert await may_send(dead, execution, 4)
    assert await heir.adopt_execution(execution, later(12))
    adopted = await heir.execution(execution.id)
    assert (adopted.started_at, adopted.taken_over_at) == (later(4), later(12))
    assert await heir.unknown_outcomes(NOW, later(11)) == [], "it is looked up from then"
    ended = await finish(heir, adopted, DONE)
    assert ended.started_at == later(4)
    assert await fault(heir) == ""


async def test_a_former_owner_can_neither_end_nor_revoke_what_its_heir_sends(
    storage: Storage,
) -> None:
    former, heir = await storage.open("bot-a"), await storage.open("bot-b")
    execution = await dispatching(former, await open_incident(former))
    assert await heir.adopt_execution(execution, later(3))
    failed = await former.finish_execution(
        execution, RemediationStatus.FAILED, answer=None, error="not reached", now=later(4)
    )
    assert failed.state is RemediationStatus.DISPATCHING
    assert not await revoke(former, execution.approval_id, "the plan drifted", later(4))
    await heir.resolve(execution.incident_id, "U0ANA", later(5))
    assert not await former.still_wanted(execution, later(5))
    assert not await may_send(former, execution, 5)
    assert (await heir.execution(execution.id)).state is RemediationStatus.DISPATCHING
    ended = await finish(heir, await heir.execution(execution.id), DONE)
    assert ended.state is DONE


async def test_what_the_gateway_answered_is_true_whoever_asked(storage: Storage) -> None:
    former, heir = await storage.open("bot-a"), await storage.open("bot-b")
    execution = await dispatching(former, await open_incident(former))
    assert await heir.adopt_execution(execution, later(3))
    assert (await finish(former, execution, DONE)).state is DONE


async def test_what_is_finished_is_no_orphan_and_cannot_be_adopted(storage: Storage) -> None:
    dead, heir = await storage.open("bot-a"), await storage.open("bot-b")
    incident = await open_incident(dead)
    execution = await dispatching(dead, incident)
    await finish(dead, execution, DONE)
    assert await heir.orphaned_executions(NOW, NOW) == []
    assert not await heir.adopt_execution(execution, later(3))


async def test_an_unsent_approval_is_revoked_with_its_incident_and_shown(
    store: Store,
) -> None:
    incident = await open_incident(store)
    execution = await approved(store, incident)
    shown = await version_of(store, f"approval:{execution.approval_id}")
    await store.resolve(incident.id, ANA, later(2))
    assert (await store.execution(execution.id)).state is RemediationStatus.REVOKED
    approval = await store.approval(execution.approval_id)
    assert (approval.state, approval.reason) == (RemediationStatus.REVOKED, INCIDENT_RESOLVED)
    assert (approval.decided_by, approval.decided_at) == (ANA, later(1)), (
        "who said yes is not forgotten"
    )
    assert await version_of(store, f"approval:{execution.approval_id}") == shown + 1
    assert await claim_execution(store, later(3)) is None


async def test_an_old_approval_is_revoked_and_the_next_one_claimed(store: Store) -> None:
    incident = await open_incident(store)
    old = await approved(store, incident, at=1, expires_at=later(8))
    fresh = await approved(store, incident, at=1, expires_at=later(9))
    claimed = await claim_execution(store, later(9))
    assert claimed is not None
    assert claimed.id == fresh.id
    approval = await store.approval(old.approval_id)
    assert approval.state is RemediationStatus.REVOKED
    assert sentence(approval.reason) == "approved too long ago"
    assert (await store.execution(old.id)).state is RemediationStatus.REVOKED


async def test_an_unfinished_request_is_only_sent_again_while_its_approval_is_valid(
    store: Store,
) -> None:
    first, second = (
        await open_incident(store),
        await open_incident(store, service="api", fingerprint="fp-api"),
    )
    over = await dispatching(store, first)
    open_still = await dispatching(store, second, expires_at=later(60))
    await store.resolve(first.id, ANA, later(3))
    assert (await store.execution(over.id)).state is RemediationStatus.DISPATCHING
    assert not await store.still_wanted(over, later(4))
    assert await store.still_wanted(open_still, later(4))
    assert not await store.still_wanted(open_still, later(61))
    for execution, why in (
        (over, "the incident resolved"),
        (open_still, "approved too long ago"),
    ):
        approval = await store.approval(execution.approval_id)
        assert (approval.state, sentence(approval.reason)) == (RemediationStatus.REVOKED, why)


# The last word before it is sent

BOUND = ApprovalConditions(bound=Binding(severity="high", env="prod", service="web"))


NIGHT = TimeWindow.model_validate({"start": "03:00", "end": "03:05"})  # NOW is 03:04:05


async def test_what_may_be_sent_is_on_record_and_begins_at_that_moment(store: Store) -> None:
    execution = await dispatching(store, await open_incident(store), terms=BOUND)
    assert await may_send(store, execution, 4)
    assert (await store.execution(execution.id)).started_at == later(4)
    last = (await trail(store))[-1]
    assert (last.kind, last.subject) == ("request", execution.approval_id)
    assert json.loads(last.detail) == {"key": execution.id, "execution": execution.id}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("frozen", "everything is frozen by @U0ANA (wait)"),
        ("resolved", "the incident resolved"),
        ("policy", "the policy was edited and its requirements have changed"),
        ("window", "this may run only in a maintenance window"),
        ("too old", "approved too long ago"),
    ],
)
async def test_what_changed_since_the_claim_revokes_it_and_nothing_is_on_record_as_sent(
    store: Store, change: str, why: str
) -> None:
    incident = await open_incident(store)
    terms = replace(BOUND, only_in_windows=True)
    execution = await dispatching(store, incident, terms=terms, expires_at=later(120))
    if change == "frozen":
        await store.freeze(ANA, "wait", later(3), channel=OPS)
    elif change == "resolved":
        await store.resolve(incident.id, ANA, later(3))
    at = {"window": 60, "too old": 121}.get(change, 4)
    needed = 3 if change == "policy" else None
    windows = (NIGHT.model_copy(update={"end": time(23)}),) if change == "too old" else (NIGHT,)
    assert not await may_send(store, execution, at, needed=needed, windows=windows)
    approval = await store.approval(execution.approval_id)
    assert approval.state is RemediationStatus.REVOKED
    assert sentence(approval.reason).startswith(why)
    assert (await store.execution(execution.id)).state is RemediationStatus.REVOKED
    items = [row.kind for row in await trail(store)]
    assert "request" not in items
    assert items[-1] == "revoked"


async def test_what_another_owns_or_what_is_finished_is_not_sent(storage: Storage) -> None:
    former, heir = await storage.open("bot-a"), await storage.open("bot-b")
    execution = await dispatching(former, await open_incident(former), terms=BOUND)
    assert await heir.adopt_execution(execution, later(3))
    assert not await may_send(former, execution, 4)
    assert await may_send(heir, execution, 4)
    await finish(heir, await heir.execution(execution.id), DONE)
    assert not await may_send(heir, execution, 6)


async def test_a_freeze_and_a_request_at_once_are_on_record_in_the_order_they_happened(
    storage: Storage,
) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    for number in range(10):
        incident = await open_incident(here, service=f"s{number}", fingerprint=f"fp-{number}")
        bound = ApprovalConditions(bound=Binding(severity="high", env="prod", service=f"s{number}"))
        execution = await dispatching(here, incident, terms=bound)
        before = len(await trail(here))
        sent, _ = await asyncio.gather(
            may_send(here, execution, 4), there.freeze(ANA, "wait", later(4), channel=OPS)
        )
        items = [row.kind for row in (await trail(here))[before:]]
        assert items == (["request", "frozen"] if sent else ["frozen", "revoked"])
        await there.unfreeze(ANA, later(5), channel=OPS)
