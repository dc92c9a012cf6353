"""A freeze of an incident or a target blocks its actions only, and stands in store and trail."""

from __future__ import annotations

import pytest

from bot.approvals import freeze_scopes
from bot.approvals.model import Choice, Freeze
from bot.approvals.reason_text import sentence
from bot.approvals.reasons import BlockerKind
from bot.errors import Refused
from bot.incidents.remediation import RemediationStatus
from store import Store
from store.admin.invariants import broken
from store.operations.audit_kinds import Kind
from tests.helpers.builders import ANA, BEN, OPS, TEAM, later, pending_approval, voter
from tests.helpers.requests import approved, blocker_of, claimed, may_send
from tests.helpers.trail import fault, tamper, trail

ELSEWHERE = "target:another"


async def test_a_frozen_incident_or_target_blocks_its_actions_until_it_is_unfrozen(
    store: Store,
) -> None:
    approval = await approved(store)
    waiting = await pending_approval(store, approval.incident_id)
    target = freeze_scopes.of_target(waiting.proposal.target)
    incident = freeze_scopes.of_incident(approval.incident_id)
    await store.freeze_scope(ELSEWHERE, BEN, "", later(2))
    assert await blocker_of(store, waiting, 2) is None, "of another target"
    for scope in (incident, target):
        freeze = Freeze(BEN, later(3), "a move")
        assert await store.freeze_scope(scope, BEN, "a move", later(3)) == (freeze, True)
        assert await store.freeze_scope(scope, ANA, "again", later(4)) == (freeze, False)
        assert await blocker_of(store, waiting, 4) is BlockerKind.SCOPE_FROZEN
        with pytest.raises(Refused, match="is frozen by"):
            await store.vote(waiting.id, voter(ANA), Choice.APPROVE, TEAM, later(5))
        assert await store.unfreeze_scope(scope, ANA, later(6)) == freeze
        assert await store.unfreeze_scope(scope, ANA, later(6)) is None
        assert await blocker_of(store, waiting, 6) is None
    assert [(row.kind, row.subject) for row in await trail(store) if "scope" in row.kind] == [
        ("scope frozen", ELSEWHERE),
        ("scope frozen", incident),
        ("scope unfrozen", incident),
        ("scope frozen", target),
        ("scope unfrozen", target),
    ]
    texts = [entry.text for entry in await store.timeline(approval.incident_id)]
    assert f"Its actions were frozen by @{BEN}: a move" in texts
    assert await fault(store) == ""
    assert list(await store.frozen_scopes()) == [ELSEWHERE]
    assert await store.frozen() is None, "the freeze of everything is another one"
    assert await store._engine.read(broken) == []


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("kind", ["incident", "target"])
async def test_what_was_claimed_before_a_freeze_of_its_scope_is_not_sent_even_without_its_row(
    store: Store, kind: str
) -> None:
    approval = await approved(store)
    execution = await claimed(store)
    scope = freeze_scopes.of_incident(approval.incident_id)
    if kind == "target":
        scope = freeze_scopes.of_target(approval.proposal.target)
    await store.freeze_scope(scope, BEN, "stop", later(3))
    await tamper(store, ("DELETE FROM freezes",))
    assert not await may_send(store, execution, 4)
    ended = await store.approval(approval.id)
    assert ended.state is RemediationStatus.REVOKED
    assert "is frozen by" in sentence(ended.reason)
    assert [row for row in await trail(store) if row.kind == "request"] == []
    assert "each frozen incident or target" in str(await store._engine.read(broken))


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize("kind", ["incident", "target"])
async def test_verify_finds_a_request_that_was_sent_while_its_scope_was_frozen(
    store: Store, kind: str
) -> None:
    approval = await approved(store)
    scope = freeze_scopes.of_incident(approval.incident_id)
    if kind == "target":
        scope = freeze_scopes.of_target(approval.proposal.target)
    await store.freeze_scope(scope, BEN, "", later(3))
    # A rogue bot, with the key: it sends, and puts on record what it did.
    await store.record(Kind.REQUEST, now=later(4), incident_id=1, subject=approval.id)
    assert f"sent while {scope} was frozen" in await fault(store)


async def test_a_new_trail_has_the_freezes_of_scopes_too(store: Store) -> None:
    await store.freeze(BEN, "all", later(1), channel=OPS)
    await store.freeze_scope(ELSEWHERE, BEN, "some", later(2))
    await store.reset_trail("a drill", later(3))
    kinds = [(row.kind, row.subject) for row in await trail(store)]
    assert kinds[-2:] == [("frozen", "all"), ("scope frozen", ELSEWHERE)]
    await tamper(store, ("DELETE FROM freezes WHERE name != 'all'",))
    assert list(await store.frozen_scopes()) == [ELSEWHERE]
