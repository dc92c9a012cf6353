"""Dispatches: claimed, and looked at once more, before the request is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.approvals.blockers import Blocker, evaluate
from bot.approvals.facts import Config, Facts
from bot.approvals.limits import DEFAULT_LIMITS, Limits
from bot.approvals.model import Approval, ClaimedDispatch, Execution
from bot.approvals.reasons import BlockerKind
from bot.approvals.transitions import ExecutionEvent
from bot.errors import NotFound
from bot.incidents.remediation import RemediationStatus
from store.operations import approvals, freezes, guards, incidents, leases, verification
from store.operations.part import Part
from store.operations.transitions import Change, show, transition
from store.rows import execution_from
from store.statements import Operation, execute, lock, query, to_db_time, to_db_time_or_none


def get(execution_id: str) -> Operation[Execution]:
    """One execution, or NotFound."""
    rows = yield query("SELECT * FROM executions WHERE id = ?", execution_id)
    if not rows:
        raise NotFound("This execution is not known here.")
    return execution_from(rows[0])


def of_approval(approval_id: str) -> Operation[Execution | None]:
    """The one execution of an approval, if it was approved."""
    rows = yield query("SELECT * FROM executions WHERE approval_id = ?", approval_id)
    return execution_from(rows[0]) if rows else None


def claim(owner: str, now: datetime, limits: Limits) -> Operation[ClaimedDispatch | None]:
    """Take on the oldest approved execution: `dispatching` is durable before anything is sent.

    1. Only one claim at a time looks: of two, one must see what the other took.
    2. Oldest first. Behind an action that is under way on its target it waits for its turn: one
       action a target at a time, in the order in which they were approved.
    3. What anything else keeps from running is revoked on the way.
    4. The first that is left is claimed, and what else its incident would have done to its target
       is revoked.

    Whether an earlier request is missing from the store is not looked at here: `request` does, in
    the transaction that has the last word.
    """
    yield lock("dispatch")
    waiting = yield query(
        "SELECT * FROM executions WHERE state = 'approved' ORDER BY created_at, id"
    )
    if not waiting:
        return None
    facts: Facts = yield from guards.facts(limits, now, missing=False)
    for row in waiting:
        approval = yield from approvals.get(row["approval_id"])
        incident = yield from incidents.get(approval.incident_id)
        blocker = evaluate(approval, incident, facts, limits, now)
        if blocker and blocker.kind is BlockerKind.TARGET_BUSY:
            continue
        if blocker:
            yield from approvals.end_blocked(approval, blocker, now)
            continue
        change = Change(
            event=ExecutionEvent.CLAIM,
            now=now,
            values={
                "owner": owner,
                "started_at": to_db_time(now),
                "taken_over_at": None,
                "running_at": None,
            },
            detail={"owner": owner},
        )
        execution: Execution | None = yield from transition(execution_from(row), change, incident)
        if execution is not None:
            yield from approvals.revoke_siblings(approval, now)
            return ClaimedDispatch(execution, approval, incident)
    return None


def still_wanted(execution_id: str, owner: str, now: datetime, limits: Limits) -> Operation[bool]:
    """Return whether `owner` may send it; else it is revoked.

    False, and nothing more, when it is another's by now, or finished.
    """
    execution = yield from get(execution_id)
    if execution.owner != owner or execution.state is not RemediationStatus.DISPATCHING:
        return False
    approval = yield from approvals.get(execution.approval_id)
    incident = yield from incidents.get(execution.incident_id)
    blocker = yield from guards.blocker(approval, incident, limits, now)
    if blocker:
        yield from approvals.end_blocked(approval, blocker, now, owner)
    return blocker is None


def request(
    execution_id: str,
    approval: Approval,
    owner: str,
    now: datetime,
    limits: Limits,
    config: Config,
    detail: Mapping[str, Any],
) -> Operation[bool]:
    """The last word before it is sent: True, and the request is on record; or it is revoked.

    Who asked Slack and the gateway about it did so for seconds, with what was true before in hand.
    Here the incident and the freeze are locked while they are looked at: what changes them is
    either seen, or comes after the request. False, and nothing more, when it is another's by now,
    or finished.

    `approval` is as the claim read it, and as it will be sent. It is not read again: once it is
    decided, nothing of it changes but its state, and with that the state of the execution.
    """
    yield from incidents.lock_incident(approval.incident_id)
    yield lock(freezes.FREEZING)
    execution = yield from get(execution_id)
    if execution.owner != owner or execution.state is not RemediationStatus.DISPATCHING:
        return False
    incident = yield from incidents.get(approval.incident_id)
    blocker: Blocker | None = yield from guards.blocker(approval, incident, limits, now, config)
    if blocker:
        yield from approvals.end_blocked(approval, blocker, now, owner)
        return False
    # The start time is set here, not at the claim: what happened in between it did not bring about.
    change = Change(
        event=ExecutionEvent.REQUEST,
        now=now,
        values={"started_at": to_db_time(now), "taken_over_at": None},
        only_if=("owner = ?", owner),
        detail=detail,
    )
    if not (yield from transition(execution, change, incident)):
        return False
    yield from verification.begin(execution_id, incident.id)
    return True


def orphans(owner: str, ours_before: datetime, now: datetime) -> Operation[list[Execution]]:
    """Dispatches whose sender's lease lapsed: what became of them must be looked up.

    Ours among them, once we claimed them or took them over before `ours_before`; not those that
    still run at the gateway: see `outcomes.unknown`.
    """
    rows = yield query(
        "SELECT * FROM executions WHERE state = 'dispatching'"  # noqa: S608 - constants
        " AND ((owner = ? AND running_at IS NULL AND COALESCE(taken_over_at, started_at) < ?)"
        f" OR (owner != ? AND NOT {leases.alive('executions.owner')}))",
        owner,
        to_db_time(ours_before),
        owner,
        to_db_time(now),
    )
    return [execution_from(row) for row in rows]


def adopt(execution_id: str, former: str, owner: str, now: datetime) -> Operation[bool]:
    """Take over an orphan; False when somebody else did.

    `started_at` stays: the request may have been sent then, and the duration, the limits and the
    metrics count from there. The time until it counts as stuck begins anew: see `outcomes.unknown`.
    """
    execution: Execution = yield from get(execution_id)
    began = to_db_time_or_none(execution.started_at) or ""
    change = Change(
        event=ExecutionEvent.TAKE_OVER,
        now=now,
        values={"owner": owner, "taken_over_at": to_db_time(now)},
        only_if=("owner = ?", former),
        detail={"owner": owner, "former": former, "began": began},
    )
    return (yield from transition(execution, change)) is not None


def still_running(execution_id: str, owner: str, now: datetime) -> Operation[None]:
    """Show that the gateway says that it still runs. Its outcome is looked up until it is known."""
    count = yield execute(
        "UPDATE executions SET running_at = ?"
        " WHERE id = ? AND owner = ? AND state = ? AND running_at IS NULL",
        to_db_time(now),
        execution_id,
        owner,
        RemediationStatus.DISPATCHING,
    )
    if count:
        execution = yield from get(execution_id)
        incident = yield from incidents.get(execution.incident_id)
        yield from show(execution, incident, now)


class ExecutionsPart(Part):
    """The methods of `Store` for the dispatch of approved remediations."""

    async def claim_dispatch(
        self, now: datetime, limits: Limits = DEFAULT_LIMITS
    ) -> ClaimedDispatch | None:
        """Take on one approved execution; `dispatching` is durable before this returns.

        It comes with its approval and incident, as its transaction read them.

        One action a target at a time, in the order of approval, however many claim: the next one
        waits. What anything else blocks is revoked instead.
        """
        return await self._write(claim, self.owner, now, limits)

    async def still_wanted(
        self, execution: Execution, now: datetime, limits: Limits = DEFAULT_LIMITS
    ) -> bool:
        """Return whether it may (still) be sent; if anything blocks it, it is revoked."""
        return await self._write(still_wanted, execution.id, self.owner, now, limits)

    async def record_request(
        self,
        execution: Execution,
        approval: Approval,
        now: datetime,
        limits: Limits,
        config: Config,
        detail: Mapping[str, Any],
    ) -> bool:
        """True: it may be sent this moment, and the request is on record. False: never send it.

        One transaction looks at everything that may block it, and at who owns it; what is blocked
        is revoked. `detail` is what goes on record of the request.
        """
        return await self._write(
            request, execution.id, approval, self.owner, now, limits, config, detail
        )

    async def orphaned_executions(self, ours_before: datetime, now: datetime) -> list[Execution]:
        """Executions that a replica was dispatching whose lease lapsed.

        With our own that began before `ours_before`: when the answer to a claim is lost, the claim
        may stand. Who asks knows which of them it is sending.
        """
        return await self._engine.read(orphans, self.owner, ours_before, now)

    async def adopt_execution(self, execution: Execution, now: datetime) -> bool:
        """Take over an orphan; True for exactly one caller."""
        return await self._write(adopt, execution.id, execution.owner, self.owner, now)

    async def still_running(self, execution: Execution, now: datetime) -> None:
        """Show that it still runs at the gateway; see `unknown_outcomes`."""
        await self._write(still_running, execution.id, execution.owner, now)

    async def execution(self, execution_id: str) -> Execution:
        """One execution, or NotFound."""
        return await self._engine.read(get, execution_id)

    async def execution_of(self, approval_id: str) -> Execution | None:
        """The execution of an approval, if there is one."""
        return await self._engine.read(of_approval, approval_id)
