"""The audit trail on every engine: written with the decision, without gaps, and hard to forge."""

from __future__ import annotations

import asyncio
import hashlib
import json

import pytest

from bot.approvals.model import Choice
from bot.errors import Refused, StoreError
from bot.incidents.remediation import RemediationStatus
from store import Store
from store.audit.proof.rows import HEAD
from store.audit.sealing import AuditKey, sealed
from store.operations import audit
from store.operations.audit_kinds import Kind
from store.statements import Operation, run
from tests.helpers.builders import (
    ANA,
    AUDIT_KEY,
    BEN,
    CAT,
    NOW,
    TEAM,
    approval,
    claim_execution,
    later,
    open_incident,
    pending_approval,
    revoke,
    voter,
)
from tests.helpers.stores import Storage, write_key
from tests.helpers.trail import anchors, fault, tamper, trail


async def say(store: Store, count: int = 1, *, kind: Kind = Kind.VOTED) -> None:
    """So many rows, each a second after the other."""
    for number in range(count):
        await store.record(kind, now=later(number), subject=f"s{number}", actor=ANA)


async def test_what_is_recorded_is_numbered_linked_and_sealed(store: Store) -> None:
    assert await store.record(Kind.FROZEN, now=NOW, subject="all", actor=ANA) == 1
    detail = {"b": [1, None], "a": "ü\0\ud800"}
    assert await store.record(Kind.REFUSED, now=later(1), incident_id=7, detail=detail) == 2

    first, second = await trail(store)
    assert (first.seq, first.kind, first.subject, first.actor) == (1, "frozen", "all", ANA)
    assert (second.incident_id, second.prev) == (7, first.mac)
    assert second.detail == '{"a":"\\u00fc\\u0000\\ud800","b":[1,null]}'
    assert json.loads(second.detail) == detail
    head = (await anchors(store))[HEAD]
    assert (head.seq, head.mac) == (2, second.mac)
    assert await fault(store) == ""


async def test_what_no_database_takes_is_sealed_as_it_is_kept(store: Store) -> None:
    await store.record(Kind.REFUSED, now=NOW, subject="a\0b\ud800", actor="🔥")
    (row,) = await trail(store)
    assert (row.subject, row.actor) == ("a\\x00b\\ud800", "🔥")
    assert await fault(store) == ""


async def test_a_decision_and_its_row_commit_together_or_not_at_all(store: Store) -> None:
    def decide() -> Operation[None]:
        yield run("INSERT INTO deliveries (key, seen_at) VALUES ('decided', '')")
        yield from audit.record(Kind.APPROVED, now=NOW)
        raise Refused("after all not")

    with pytest.raises(Refused):
        await store._engine.write(sealed, decide, AUDIT_KEY)
    assert await trail(store) == []
    assert await store.known_deliveries(["decided"]) == set()
    await say(store)
    assert [row.seq for row in await trail(store)] == [1], "a number was left out"


@pytest.mark.sqlite_file
async def test_many_replicas_record_at_once_and_leave_no_gap(storage: Storage) -> None:
    stores = [await storage.open(f"bot-{number}") for number in range(3)]
    await asyncio.gather(*(say(store, 20) for store in stores))
    rows = await trail(stores[0])
    assert [row.seq for row in rows] == list(range(1, 61))
    assert await fault(stores[0]) == ""


async def test_without_the_key_nothing_that_must_be_recorded_is_done(store: Store) -> None:
    keyless = Store(store._engine, owner="bot-keyless")
    with pytest.raises(StoreError, match="AUDIT_KEY"):
        await say(keyless)
    assert await write_key(keyless, "anything else", NOW)
    assert await trail(store) == []


async def test_another_key_adds_nothing_to_the_chain(store: Store) -> None:
    await say(store)
    stranger = Store(store._engine, owner="bot-b", audit_key=AuditKey("some other key of 16"))
    with pytest.raises(StoreError, match="tampered with, or AUDIT_KEY is not the key"):
        await say(stranger)
    assert len(await trail(store)) == 1


async def test_the_key_is_in_no_row_and_in_no_words(store: Store) -> None:
    await say(store, 3)
    secret = AUDIT_KEY.raw.decode()
    assert secret not in repr(await trail(store)) + repr(await anchors(store))
    assert secret not in repr(AUDIT_KEY) + str(vars(store))


async def test_nothing_is_built_on_a_head_that_was_moved(store: Store) -> None:
    """Else who cuts off the end would have the bot itself seal the cut with its next row."""
    await say(store, 3)
    second = (await trail(store))[1]
    await tamper(
        store,
        ("DELETE FROM audit WHERE seq = 3",),
        ("UPDATE audit_anchors SET seq = 2, mac = ? WHERE name = 'head'", second.mac),
    )
    with pytest.raises(StoreError, match="audit verify"):
        await say(store)


async def test_a_clock_moved_back_is_on_record_and_decides_nothing(store: Store) -> None:
    def decide(seconds: float) -> Operation[None]:
        yield from audit.check_clock(later(seconds))

    await store.record(Kind.VOTED, now=later(3600))
    await store._engine.write(sealed, lambda: decide(3550), AUDIT_KEY)  # replicas wait for turns
    with pytest.raises(Refused, match="3600 s behind what is on record"):
        await store._engine.write(sealed, lambda: decide(0), AUDIT_KEY)
    await store.record(Kind.VOTED, now=NOW)
    await store.record(Kind.VOTED, now=later(1))
    kinds = [row.kind for row in await trail(store)]
    assert kinds == ["voted", "clock moved back", "voted", "voted"]
    with pytest.raises(Refused):
        await store._engine.write(sealed, lambda: decide(2), AUDIT_KEY)


# What the bot does is on record


async def kinds_of(store: Store, approval_id: str) -> list[str]:
    return [row.kind for row in await trail(store) if row.subject == approval_id]


async def test_a_remediation_leaves_its_whole_way_on_record(store: Store) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id, needed=2)
    press = {"action_ts": "1.2", "trigger_id": "t-1"}
    await store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(1), press)
    await store.vote(result.id, voter(BEN), Choice.APPROVE, TEAM, later(2))
    sent = await claim_execution(store, later(3))
    assert sent is not None
    await store.finish_execution(
        sent, RemediationStatus.SUCCEEDED, answer={"exit": 0}, error="", now=later(4)
    )
    await store.conclude(sent.id, RemediationStatus.VERIFIED, "200 twice", later(5))

    rows = {row.seq: row for row in await trail(store) if row.subject == result.id}
    assert [row.kind for row in rows.values()] == [
        "proposed",
        "voted",
        "voted",
        "approved",
        "dispatching",
        "answer",
        "verified",
    ]
    assert {row.incident_id for row in rows.values()} == {incident.id}
    proposed, first, second, _, _, answer, _ = (json.loads(row.detail) for row in rows.values())
    assert proposed["parameters"] == [
        ["target", "web", "alert: service"],
        ["grace_seconds", 10, "default"],
    ]
    assert (proposed["digest"], proposed["needed"]) == (result.digest, 2)
    assert first == {"choice": "approve", "digest": result.digest, **press}
    assert [row.actor for row in rows.values()][:4] == [CAT, ANA, BEN, BEN]
    assert second["choice"] == "approve"
    assert answer["answer_sha256"] == hashlib.sha256(b'{"exit":0}').hexdigest()
    assert await fault(store) == ""


async def test_asking_twice_for_one_cause_is_on_record_once(store: Store) -> None:
    incident = await open_incident(store)
    for items in (approval(incident.id), approval(incident.id)):
        await store.ask(items, "the same cause")
    assert [row.kind for row in await trail(store)] == ["proposed"]


async def test_what_ends_otherwise_is_on_record_too(store: Store) -> None:
    incident = await open_incident(store)
    rejected, expired, revoked, resolved, unknown = [
        await pending_approval(store, incident.id, expires_at=later(seconds))
        for seconds in (900, 5, 900, 900, 900)
    ]
    await store.vote(unknown.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
    sent = await claim_execution(store, later(2))
    assert sent is not None
    other = await store_of(store, "bot-b")
    assert await other.adopt_execution(sent, later(3))
    mine = await store.execution(sent.id)
    unknown_state = RemediationStatus.OUTCOME_UNKNOWN
    await store.finish_execution(mine, unknown_state, answer=None, error="lost", now=later(4))
    await store.finish_execution(
        mine, RemediationStatus.SUCCEEDED, answer={"a": 1}, error="", now=later(5), looked_up=True
    )
    await store.vote(rejected.id, voter(BEN), Choice.REJECT, TEAM, later(5))
    await store.expire_approvals(later(6))
    await store.vote(revoked.id, voter(ANA), Choice.APPROVE, TEAM, later(7))
    assert await revoke(store, revoked.id, "the plan changed", later(8))
    await store.resolve(incident.id, BEN, later(9))

    assert await kinds_of(store, rejected.id) == ["proposed", "voted", "rejected"]
    assert await kinds_of(store, expired.id) == ["proposed", "expired"]
    assert await kinds_of(store, revoked.id) == ["proposed", "voted", "approved", "revoked"]
    assert await kinds_of(store, resolved.id) == ["proposed", "revoked"]
    assert await kinds_of(store, unknown.id) == [
        "proposed",
        "voted",
        "approved",
        "dispatching",
        "taken over",
        "outcome unknown",
        "looked up",
    ]
    assert await fault(store) == ""


async def test_fifty_presses_at_once_are_one_vote_on_record(store: Store) -> None:
    result = await pending_approval(store, (await open_incident(store)).id)
    presses = (store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(1)) for _ in range(50))
    answers = await asyncio.gather(*presses, return_exceptions=True)
    assert sum(isinstance(answer, Refused) for answer in answers) == 49
    assert await kinds_of(store, result.id) == ["proposed", "voted", "approved"]
    assert await fault(store) == ""


async def test_a_word_taken_back_is_on_record_with_its_press(store: Store) -> None:
    incident = (await open_incident(store)).id
    mine = await pending_approval(store, incident, requested_by=CAT)
    await store.vote(mine.id, voter(CAT), Choice.REJECT, TEAM, later(1), {"trigger_id": "1.2"})
    yes = await pending_approval(store, incident, needed=2)
    await store.vote(yes.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
    await store.vote(yes.id, voter(ANA), Choice.REJECT, TEAM, later(2), {"trigger_id": "1.3"})
    assert await kinds_of(store, mine.id) == ["proposed", "rejected"]
    assert await kinds_of(store, yes.id) == ["proposed", "voted", "rejected"]
    ends = [row for row in await trail(store) if row.kind == "rejected"]
    assert [row.actor for row in ends] == [CAT, ANA]
    assert [json.loads(row.detail)["trigger_id"] for row in ends] == ["1.2", "1.3"]
    assert await fault(store) == ""


async def test_an_edit_is_on_record_with_what_it_ended_and_what_it_began(store: Store) -> None:
    incident = (await open_incident(store)).id
    old, fresh = await pending_approval(store, incident), approval(incident)
    await store.edit(old.id, fresh, "e1", BEN, {"grace": "2"})
    assert await kinds_of(store, old.id) == ["proposed", "revoked", "edited"]
    assert await kinds_of(store, fresh.id) == ["proposed"]
    edited = (await trail(store))[-1]
    assert edited.actor == BEN
    assert json.loads(edited.detail) == {"became": fresh.id, "values": {"grace": "2"}}
    assert await fault(store) == ""


async def test_once_the_trail_is_begun_anew_a_clock_that_was_ahead_holds_nothing_up(
    store: Store,
) -> None:
    result = await pending_approval(store, (await open_incident(store)).id)
    await store.record(Kind.POLICY_LOADED, now=later(86_400))
    with pytest.raises(Refused, match=r"if the clock is right now.*audit begin-anew"):
        await store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
    await store.reset_trail("the clock was ahead", later(2))
    await store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(3))
    assert await fault(store) == ""


async def test_a_press_by_a_clock_moved_back_does_not_count(store: Store) -> None:
    result = await pending_approval(store, (await open_incident(store)).id)
    await store.record(Kind.POLICY_LOADED, now=later(1000))
    with pytest.raises(Refused, match="behind what is on record"):
        await store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
    assert (await store.approval(result.id)).votes == ()


async def store_of(store: Store, owner: str) -> Store:
    """Another replica on the same engine."""
    return Store(store._engine, owner=owner, audit_key=AUDIT_KEY)
