"""Dispatches: claimed, and looked at once more, before the request is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.approvals.blockers import Blocker, BlockerKind, Config, Facts, evaluate
from bot.approvals.limits import DEFAULT_LIMITS, Limits
from bot.approvals.model import Approval, ClaimedDispatch, Execution
from bot.errors import NotFound
from bot.incidents.model import Incident
from bot.incidents.remediation import RemediationStatus
from store.operations import (
    approvals,
    audit,
    freezes,
    guards,
    incidents,
    leases,
    news,
    verification,
)
from store.operations.audit import Kind
from store.operations.part import Part
from store.rows import execution_from
from store.statements import Operation, execute, lock, notify, query, to_db_time, to_db_time_or_none
from store.topics import Topic


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


def of_incident(incident_id: int) -> Operation[list[Execution]]:
    """Every execution of an incident, oldest first."""
    rows = yield query(
        "SELECT * FROM executions WHERE incident_id = ? ORDER BY created_at", incident_id
    )
    return [execution_from(row) for row in rows]


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
        "SELECT id, approval_id FROM executions WHERE state = 'approved' ORDER BY created_at, id"
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
        rows = yield query(
            "UPDATE executions SET state = ?, owner = ?, started_at = ?, taken_over_at = NULL,"
            " running_at = NULL WHERE id = ? AND state = 'approved' RETURNING *",
            RemediationStatus.DISPATCHING,
            owner,
            to_db_time(now),
            row["id"],
        )
        if rows:
            execution = execution_from(rows[0])
            yield from approvals.withdraw_siblings(approval, now)
            yield from show(execution, incident, now)
            yield notify(Topic.APPROVALS)
            yield from record(Kind.DISPATCHING, execution, now, owner=owner)
            return ClaimedDispatch(execution, approval, incident)
    return None


def still_wanted(execution_id: str, owner: str, now: datetime, limits: Limits) -> Operation[bool]:
    """Whether `owner` may send it; else it is revoked.

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
    """
    rows = yield query("SELECT incident_id FROM executions WHERE id = ?", execution_id)
    for row in rows:
        yield from incidents.lock_incident(row["incident_id"])
    yield lock(freezes.FREEZING)
    execution = yield from get(execution_id)
    if execution.owner != owner or execution.state is not RemediationStatus.DISPATCHING:
        return False
    approval: Approval = yield from approvals.get(execution.approval_id)
    incident = yield from incidents.get(execution.incident_id)
    blocker: Blocker | None = yield from guards.blocker(approval, incident, limits, now, config)
    if blocker:
        yield from approvals.end_blocked(approval, blocker, now, owner)
        return False
    # The start time is set here, not at the claim: what happened in between it did not bring about.
    count = yield execute(
        "UPDATE executions SET started_at = ?, taken_over_at = NULL"
        " WHERE id = ? AND owner = ? AND state = ?",
        to_db_time(now),
        execution_id,
        owner,
        RemediationStatus.DISPATCHING,
    )
    if not count:
        return False
    yield from verification.begin(execution_id, incident.id)
    yield from audit.record(
        Kind.REQUEST, now=now, incident_id=incident.id, subject=approval.id, detail=detail
    )
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
    count = yield execute(
        "UPDATE executions SET owner = ?, taken_over_at = ?"
        " WHERE id = ? AND owner = ? AND state = ?",
        owner,
        to_db_time(now),
        execution_id,
        former,
        RemediationStatus.DISPATCHING,
    )
    if count:
        execution = yield from get(execution_id)
        began = to_db_time_or_none(execution.started_at) or ""
        yield from record(Kind.TAKEN_OVER, execution, now, owner=owner, former=former, began=began)
    return bool(count)


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


def record(
    kind: Kind, execution: Execution, now: datetime, actor: str = "", **detail: str
) -> Operation[None]:
    """Put a turn of it on record."""
    yield from audit.record(
        kind,
        now=now,
        incident_id=execution.incident_id,
        subject=execution.approval_id,
        actor=actor,
        detail={"execution": execution.id, **detail},
    )


def show(execution: Execution, incident: Incident, now: datetime) -> Operation[None]:
    """Bring its approval's card up to date, and its result.

    The incident's card names it only if it was bad news: that may not be so any more.
    """
    yield from incidents.reply(incident, "approval", execution.approval_id, now)
    if (yield from news.is_about(execution)):
        yield from incidents.show_card(incident.id, incident.channel, incident.severity, now)
    if execution.finished_at:
        yield from incidents.reply(incident, "result", execution.id, now)


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
        """Whether it may (still) be sent; if anything blocks it, it is revoked."""
        return await self._write(still_wanted, execution.id, self.owner, now, limits)

    async def record_request(
        self,
        execution: Execution,
        now: datetime,
        limits: Limits,
        config: Config,
        detail: Mapping[str, Any],
    ) -> bool:
        """True: it may be sent this moment, and the request is on record. False: never send it.

        One transaction looks at everything that may block it, and at who owns it; what is blocked
        is revoked. `detail` is what goes on record of the request.
        """
        return await self._write(request, execution.id, self.owner, now, limits, config, detail)

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

    async def executions_of(self, incident_id: int) -> list[Execution]:
        """Every execution of an incident, oldest first."""
        return await self._engine.read(of_incident, incident_id)
