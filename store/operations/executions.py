"""Claims dispatches, and checks each once more before its request is sent."""

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
from bot.language import deferred
from store.operations import approvals, freezes, guards, incidents, leases, verification
from store.operations.part import Part
from store.operations.transitions import Change, show, transition
from store.rows import execution_from
from store.statements import Operation, execute, lock, query, to_db_time, to_db_time_or_none


def get(execution_id: str) -> Operation[Execution]:
    """One execution, or NotFound."""
    rows = yield query("SELECT * FROM executions WHERE id = ?", execution_id)
    if not rows:
        raise NotFound(deferred("This execution is not known here."))
    return execution_from(rows[0])


def of_approval(approval_id: str) -> Operation[Execution | None]:
    """Return the execution of an approval, None if it was not approved."""
    rows = yield query("SELECT * FROM executions WHERE approval_id = ?", approval_id)
    return execution_from(rows[0]) if rows else None


def claim(owner: str, now: datetime, limits: Limits) -> Operation[ClaimedDispatch | None]:
    """Claim the oldest approved execution: `dispatching` is durable before anything is sent.

    1. Lock: of two claims, one must see the other's result.
    2. Read the executions, oldest first. An execution waits while another one runs on its target:
       one action a target at a time, in the order of approval.
    3. Revoke each one that has another blocker.
    4. Claim the first that is left, and revoke what else its incident would do to its target.

    A missing earlier request is not checked here but by `request`, in the last transaction before
    the request is sent.
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
                "progress": None,
                "cancellable": 0,
            },
            detail={"owner": owner},
        )
        execution: Execution | None = yield from transition(execution_from(row), change, incident)
        if execution is not None:
            yield from approvals.revoke_siblings(approval, now)
            return ClaimedDispatch(execution, approval, incident)
    return None


def still_wanted(execution_id: str, owner: str, now: datetime, limits: Limits) -> Operation[bool]:
    """Return whether `owner` may send the execution; otherwise revoke it.

    If another replica has it by now, or it is finished, return False and change nothing.
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
    """Check an execution for the last time before it is sent: record its request and return True,
    or revoke it. The caller asked Slack and the gateway for seconds, so its facts may be old. Here
    the incident and the freeze are locked: a change of them is either seen, or comes after the
    request. If another replica has the execution by now, or it is finished, return False and change
    nothing.

    `approval` is as the claim read it and as it will be sent. It is not read again: after the
    decision only its state changes, together with the state of the execution.
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
    # The start time is set here, not at the claim: the request did not cause what happened between.
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
    """Return the dispatches whose sender's lease lapsed: their outcome must be looked up.

    This replica's own are included if it claimed them or took them over before `ours_before`. Those
    that still run at the gateway are not: see `outcomes.unknown`.
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
    """Take over an orphan; False if another replica did.

    `started_at` stays: the request may have been sent then, and the duration, the limits and the
    metrics count from there. The time after which it counts as stuck restarts: see
    `outcomes.unknown`.
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
    """Show that the execution still runs at the gateway.

    Its outcome is looked up until it is known.
    """
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
        """Claim one approved execution; `dispatching` is durable before this returns.

        It returns the approval and incident of the same transaction. One action a target runs at a
        time, in the order of approval, with any number of replicas: the next one waits. An
        execution with another blocker is revoked.
        """
        return await self._write(claim, self.owner, now, limits)

    async def still_wanted(
        self, execution: Execution, now: datetime, limits: Limits = DEFAULT_LIMITS
    ) -> bool:
        """Return whether the execution may still be sent; if anything blocks it, revoke it."""
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
        """Return True if the request may be sent now; it is recorded.

        False: never send it. One transaction checks every blocker and the owner; a blocked
        execution is revoked. `detail` is recorded with the request.
        """
        return await self._write(
            request, execution.id, approval, self.owner, now, limits, config, detail
        )

    async def orphaned_executions(self, ours_before: datetime, now: datetime) -> list[Execution]:
        """Return the executions of replicas whose lease lapsed while they dispatched, and this
        replica's own that began before `ours_before`: if the answer to a claim was lost, the claim
        may be stored. The caller knows which of them it is sending.
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
