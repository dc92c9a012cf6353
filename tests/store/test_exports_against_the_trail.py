"""An export of a store that somebody edited: the audit trail contradicts it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.approvals.model import Approval, Choice, Execution
from bot.approvals.reason_text import sentence
from bot.approvals.reasons import EndKind, Reason
from bot.incidents.remediation import RemediationStatus
from store import Store, open_store
from store.audit.proof.export import verify_export
from store.operations.audit_kinds import Kind
from store.statements import Operation, run, to_db_time
from tests.helpers.builders import (
    ANA,
    AUDIT_KEY,
    BEN,
    NOW,
    TEAM,
    claim_execution,
    later,
    open_incident,
    pending_approval,
    revoke,
    voter,
)
from tests.helpers.exports import exported, verified, wrong
from tests.helpers.filled_stores import ENGINES, StoreMaker, change, content


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, store_maker: StoreMaker) -> str:
    return store_maker.filled(request.param)


# The store may lie to the exporter: the trail knows better.

NOT_SHOWN = "not what was shown, by its digest"
LIES = [
    ("UPDATE votes SET voter = 'U0EVE' WHERE voter = 'U0ANA'", "other votes are on record"),
    ("DELETE FROM votes WHERE voter = 'U0BEN'", "other votes are on record"),
    ("UPDATE approvals SET digest = 'forged'", "another digest is on record"),
    (
        'UPDATE executions SET answer = \'{"stdout":"all good"}\' WHERE answer IS NOT NULL',
        "another answer is on record",
    ),
    ("UPDATE audit SET actor = 'U0EVE' WHERE kind = 'voted'", "was edited"),
    ("DELETE FROM audit WHERE kind = 'voted'", "is missing"),
    ("DELETE FROM audit WHERE incident_id IS NOT NULL", "is missing"),
    ("UPDATE audit_anchors SET at = '2027'", "was edited"),
    ("DELETE FROM audit_anchors", "is missing"),
    ("UPDATE approvals SET proposal = 'no JSON'", "has not the form of one"),
    (
        "UPDATE approvals SET proposal = replace(proposal, '\"web\"', '\"database\"')",
        "another action is on record",
    ),
    ("UPDATE audit SET detail = 'no JSON' WHERE kind = 'voted'", "was edited"),
    ('UPDATE approvals SET preview = \'["echo nothing","sha256:1","nothing"]\'', NOT_SHOWN),
    ("UPDATE approvals SET needed = 1", NOT_SHOWN),
    ("UPDATE approvals SET approvers = '[\"U0EVE\"]'", NOT_SHOWN),
    ("UPDATE approvals SET requested_by = 'U0EVE'", NOT_SHOWN),
    ("UPDATE approvals SET requested_at = '2020-01-01T00:00:00.000000Z'", NOT_SHOWN),
    ("UPDATE approvals SET terms = replace(terms, '\"targets\":1', '\"targets\":9')", NOT_SHOWN),
    ("UPDATE approvals SET proposal = replace(proposal, '\"medium\"', '\"low\"')", NOT_SHOWN),
    ("UPDATE approvals SET target = 'database'", "another target is on record"),
    ("UPDATE approvals SET decided_by = 'U0EVE'", "another decided_by is on record"),
    (
        "UPDATE approvals SET decided_at = '2020-01-01T00:00:00.000000Z'",
        "another decided_at is on record",
    ),
    ("UPDATE approvals SET state = 'rejected'", "another state is on record"),
    ("UPDATE approvals SET reason = 'by itself'", "another reason is on record"),
    ("UPDATE votes SET at = '2020-01-01T00:00:00.000000Z'", "other votes are on record"),
    ("UPDATE votes SET reason = 'I was told to'", "other votes are on record"),
    ("UPDATE votes SET choice = 'reject'", "other votes are on record"),
    (
        "UPDATE executions SET state = 'failed', error = 'it was not us'",
        "another state of its execution is on record",
    ),
    ("UPDATE executions SET error = 'x'", "another error of its execution is on record"),
    ("UPDATE executions SET by_hand = 'U0EVE'", "another by_hand of its execution"),
    ("UPDATE executions SET verify_note = '500'", "another verify_note of its execution"),
    ("UPDATE executions SET answer = NULL", "another answer is on record"),
    ("DELETE FROM executions", "its execution is on record, and missing"),
    ("UPDATE alerts SET body = replace(body, '93', '12')", "another one is on record"),
    ("UPDATE alerts SET severity = 'low'", "another one is on record"),
]
EACH = 6  # a copy of a database costs as much as ten of these on SQLite: PostgreSQL has every sixth


@pytest.mark.parametrize(
    ("engine", "sql", "text"),
    [
        *(("sqlite", *lie) for lie in LIES),
        *(
            pytest.param("postgresql", *lie, marks=[pytest.mark.chaos] if number % EACH else [])
            for number, lie in enumerate(LIES)
        ),
    ],
)
def test_what_was_changed_in_the_store_before_is_found_too(
    engine: str, sql: str, text: str, store_maker: StoreMaker
) -> None:
    url = store_maker.filled(engine)
    incident = verified(url)
    change(url, sql)
    assert text in wrong(exported(url, incident))


def test_an_approval_that_was_put_into_the_store_is_not_on_record(url: str) -> None:
    copied = (
        "incident_id, state, proposal, preview, requested_by, requested_at, expires_at, needed,"
        " approvers, digest"
    )
    change(
        url,
        f"INSERT INTO approvals (id, origin, {copied})"  # noqa: S608
        f" SELECT 'forged' || id, 'forged' || id, {copied} FROM approvals",
    )
    assert "that it was proposed is not on record" in wrong(exported(url))


def test_an_approval_that_was_taken_out_of_the_store_is_missed(url: str) -> None:
    incident = verified(url)
    for table in ("executions", "votes", "approvals"):
        change(url, f"DELETE FROM {table}")  # noqa: S608
    assert "on record, and missing" in wrong(exported(url, incident))


def test_an_alert_that_was_taken_out_of_the_store_is_missed(url: str) -> None:
    # Retention takes the oldest first, and none of what is open.
    incident = exported(url)["parts"]["incident"]["id"]
    change(url, "DELETE FROM alerts WHERE status = 'firing' AND incident_id IS NOT NULL")
    assert wrong(exported(url)) == "", "as if retention had forgotten it"
    change(url, "UPDATE incidents SET status = 'acknowledged' WHERE id = ?", incident)
    assert "it is on record, and missing here" in wrong(exported(url))


def on(url: str, work: Callable[[Store], Awaitable[Any]]) -> Any:
    """Return what comes of it on that store."""

    async def run() -> Any:
        store = await open_store(url, owner="bot-a", audit_key=AUDIT_KEY)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def every_bundle_is_proved(url: str) -> int:
    """Return how many had an approval."""
    count = 0
    for row in content(url)["incidents"]:
        result = exported(url, int(row[0]))
        assert wrong(result) == "", row
        count += bool(result["parts"]["approvals"])
    return count


NUL = "because \0 of \ud800 it"


async def every_turn(store: Store) -> None:
    """Fill a store with an incident for each course of an approval and its execution."""

    async def asking(**changes: Any) -> Approval:
        name = f"turn-{next(numbers)}"
        return await pending_approval(
            store, (await open_incident(store, service=name, fingerprint=name)).id, **changes
        )

    async def yes(approval: Approval) -> Approval:
        return await store.vote(approval.id, voter(ANA), Choice.APPROVE, TEAM, later(1), reason=NUL)

    async def sent(**changes: Any) -> Execution:
        await yes(await asking(**changes))
        execution = await claim_execution(store, later(2))
        assert execution is not None
        await requested(execution)
        return execution

    async def requested(execution: Execution) -> None:
        await store.record(
            Kind.REQUEST,
            now=later(2),
            incident_id=execution.incident_id,
            subject=execution.approval_id,
        )

    numbers = itertools.count()
    states = RemediationStatus
    await revoke(store, (await asking()).id, NUL, later(1))
    await revoke(store, (await yes(await asking())).id, NUL, later(2))
    await revoke(store, (await sent()).approval_id, NUL, later(3))
    on_its_way = await sent()
    await revoke(store, on_its_way.approval_id, NUL, later(3))
    await store.finish_execution(
        on_its_way, states.SUCCEEDED, answer={"stdout": "ok"}, error="", now=later(4)
    )
    not_run = await sent()
    await store.finish_execution(
        not_run, states.OUTCOME_UNKNOWN, answer=None, error="silent", now=later(3)
    )
    await store.mark_not_run(not_run, BEN, later(4))
    approval = await asking()
    await store.vote(approval.id, voter(BEN), Choice.REJECT, TEAM, later(1), reason="no")
    closed = await asking()
    await store.resolve(closed.incident_id, ANA, later(2))
    await asking(expires_at=later(1))
    await store.expire_approvals(later(2))

    alone = await asking(
        needed=0, state=states.APPROVED, decided_at=NOW, reason=Reason(kind=EndKind.BY_POLICY)
    )
    execution = await claim_execution(store, later(2))
    assert execution is not None
    assert execution.approval_id == alone.id
    await requested(execution)
    await store.finish_execution(execution, states.FAILED, answer=None, error=NUL, now=later(3))

    unknown = await sent()
    await store.finish_execution(
        unknown, states.OUTCOME_UNKNOWN, answer=None, error="silent", now=later(3)
    )
    await store.mark_by_hand(unknown, BEN, later(4), later(99))
    await store.conclude(unknown.id, states.SUCCEEDED, "nobody can tell", later(5))

    asked_after = await sent()
    await store.finish_execution(
        asked_after, states.OUTCOME_UNKNOWN, answer=None, error="silent", now=later(3)
    )
    answer = {"stdout": NUL}
    await store.finish_execution(
        asked_after, states.SUCCEEDED, answer=answer, error="", now=later(4), looked_up=True
    )
    await store.conclude(asked_after.id, states.NOT_VERIFIED, NUL, later(5))
    undo = await sent(undoes=asked_after.id)
    await store.finish_execution(undo, states.SUCCEEDED, answer=answer, error="", now=later(6))
    assert (await store.execution(asked_after.id)).state is states.UNDONE


def test_whatever_a_remediation_goes_through_its_bundle_is_proved(url: str) -> None:
    before = every_bundle_is_proved(url)
    on(url, every_turn)
    assert every_bundle_is_proved(url) == before + 12


async def half_forgotten(store: Store) -> int:
    """An incident of which that something was proposed is pruned, and the vote is not."""
    day = 86_400
    incident = await open_incident(store, service="old", fingerprint="fp-old")
    asked_at, until = later(9 * day), later(12 * day)
    result = await pending_approval(store, incident.id, requested_at=asked_at, expires_at=until)
    await store.vote(result.id, voter(ANA), Choice.APPROVE, TEAM, later(10 * day))
    await store.prune_audit(later(10 * day), later(11 * day))
    return incident.id


def test_what_retention_left_of_an_approval_is_proved(url: str) -> None:
    incident = on(url, half_forgotten)
    result = exported(url, incident)
    kinds = [row["kind"] for row in result["parts"]["chain"]["rows"]]
    assert kinds == ["voted", "approved"]
    assert wrong(result) == ""
    change(url, "UPDATE executions SET state = 'failed' WHERE incident_id = ?", incident)
    assert "another state of its execution is on record" in wrong(exported(url, incident))
    change(url, "UPDATE approvals SET requested_at = '2027' WHERE incident_id = ?", incident)
    assert "that it was proposed is not on record" in wrong(exported(url, incident))


def test_a_bundle_outlives_what_is_pruned(url: str) -> None:
    result = exported(url)
    change(url, "DELETE FROM audit")
    change(url, "DELETE FROM audit_anchors")
    assert wrong(result) == ""


REVOKED_BEFORE = "the plan drifted"


async def revoked_by_an_older_version(store: Store) -> tuple[int, int]:
    """Two incidents whose approvals were revoked with a sentence; one request was sent before."""
    ids = []
    for name, is_sent in (("kept", False), ("answered", True)):
        incident = await open_incident(store, service=name, fingerprint=f"fp-{name}")
        approval = await pending_approval(store, incident.id)
        await store.vote(approval.id, voter(ANA), Choice.APPROVE, TEAM, later(1))
        execution = await claim_execution(store, later(2))
        assert execution is not None
        await store.record(
            Kind.REQUEST, now=later(2), incident_id=incident.id, subject=execution.approval_id
        )
        await store._write(_revoke_as_before, execution)
        await store.record(
            Kind.REVOKED,
            now=later(3),
            incident_id=incident.id,
            subject=approval.id,
            detail={"why": REVOKED_BEFORE},
        )
        expected = REVOKED_BEFORE
        if is_sent:
            await store.finish_execution(
                execution, RemediationStatus.SUCCEEDED, answer={}, error="", now=later(4)
            )
            expected = f"sent before it was revoked: {REVOKED_BEFORE}"
        assert sentence((await store.approval(approval.id)).reason) == expected
        ids.append(incident.id)
    kept, answered = ids
    return kept, answered


def _revoke_as_before(execution: Execution) -> Operation[None]:
    yield run(
        "UPDATE executions SET state = 'revoked', error = ?, finished_at = ? WHERE id = ?",
        REVOKED_BEFORE,
        to_db_time(later(3)),
        execution.id,
    )
    yield run(
        "UPDATE approvals SET state = 'revoked', reason = ? WHERE id = ?",
        REVOKED_BEFORE,
        execution.approval_id,
    )


def test_what_an_older_version_revoked_is_shown_and_proved_as_before(url: str) -> None:
    for incident, text in zip(
        on(url, revoked_by_an_older_version),
        (REVOKED_BEFORE, f"sent before it was revoked: {REVOKED_BEFORE}"),
        strict=True,
    ):
        document = exported(url, incident)
        verify_export(AUDIT_KEY.raw, document)
        (approval,) = document["parts"]["approvals"]
        assert approval["reason"] == text
