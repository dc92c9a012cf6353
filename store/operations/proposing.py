"""Proposal tasks: queued with the incident, claimed, done or deferred.

They run beside the advice: a remediation needs no advisor, and a slow gateway delays neither the
advice nor another incident's proposals.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.incidents.model import Severity
from bot.incidents.reporters import reporter_of
from store.operations import leases
from store.operations.part import Part
from store.rows import ProposalTask
from store.statements import (
    SKIP_LOCKED,
    Operation,
    Row,
    execute,
    last,
    notify,
    query,
    run,
    to_db_time,
    together,
)
from store.topics import Topic

ATTEMPTS = 5  # so that a bug, or an alert that kills the process, is not tried for ever


def enqueue(
    incident_id: int, severity: Severity, origin: str, now: datetime, approval_id: str = ""
) -> Operation[None]:
    """Queue a task: propose the SOP's actions, or that approval again.

    The same `origin` is queued once.

    It wakes nobody: a new incident's task must not delay its card, whose posting wakes the worker.
    """
    yield run(
        "INSERT INTO proposing (incident_id, origin, approval_id, rank, state, not_before, at)"
        " VALUES (?, ?, ?, ?, 'wanted', ?, ?) ON CONFLICT (origin) DO NOTHING",
        incident_id,
        origin,
        approval_id,
        severity.rank,
        to_db_time(now),
        to_db_time(now),
    )


def claim(owner: str, now: datetime, in_hand: Sequence[int]) -> Operation[ProposalTask | None]:
    """Claim the most severe task that is due, or whose replica's lease lapsed.

    Ours too, where it is not `in_hand`: the answer to a claim may be lost.
    """
    held = ", ".join(["0", *("?" * len(in_hand))])  # no task has the id 0
    claiming = query(
        "UPDATE proposing SET state = 'running', owner = ?, attempts = attempts + 1 WHERE id = ("  # noqa: S608 - constants
        " SELECT id FROM proposing WHERE state != 'done' AND attempts < ? AND not_before <= ?"
        f" AND (state = 'wanted' OR (owner != ? AND NOT {leases.alive('proposing.owner')})"
        f" OR (owner = ? AND id NOT IN ({held})))"
        f" ORDER BY rank, id LIMIT 1 {SKIP_LOCKED}) RETURNING *",
        owner,
        ATTEMPTS,
        to_db_time(now),
        owner,
        to_db_time(now),
        owner,
        *in_hand,
    )
    rows = yield last(claiming)
    return _task_from(rows[0]) if rows else None


def defer(task_id: int, owner: str, until: datetime, *, is_our_fault: bool) -> Operation[None]:
    """Try the task again from then on; without a fault of ours there is no limit of tries."""
    yield run(
        "UPDATE proposing SET state = 'wanted', not_before = ?, deferrals = deferrals + ?,"
        " attempts = CASE WHEN ? = 1 THEN attempts ELSE 0 END"
        " WHERE id = ? AND state = 'running' AND owner = ?",
        to_db_time(until),
        int(not is_our_fault),
        int(is_our_fault),
        task_id,
        owner,
    )


def wake(now: datetime) -> Operation[None]:
    """Make due now the tasks that wait until the gateway can plan again."""
    count = yield execute(
        "UPDATE proposing SET not_before = ?"
        " WHERE state = 'wanted' AND deferrals > 0 AND not_before > ?",
        to_db_time(now),
        to_db_time(now),
    )
    if count:
        yield notify(Topic.PROPOSE)


def done(task_id: int) -> Operation[None]:
    """Delete a finished task."""
    yield run("UPDATE proposing SET state = 'done' WHERE id = ?", task_id)


def _task_from(row: Row) -> ProposalTask:
    return ProposalTask(
        id=row["id"],
        incident_id=row["incident_id"],
        origin=row["origin"],
        approval_id=row["approval_id"],
        attempts=row["attempts"],
        deferrals=row["deferrals"],
    )


def askers(incident_id: int) -> Operation[tuple[str, ...]]:
    """Return the people who made an incident's SOP offer its actions.

    They reported its first or its newest alert, or chose its SOP.
    """
    alerts = "SELECT sender AS who FROM alerts WHERE incident_id = ? AND status = 'firing'"
    first, newest, chosen = yield from together(
        query(f"{alerts} ORDER BY id LIMIT 1", incident_id),
        query(f"{alerts} ORDER BY id DESC LIMIT 1", incident_id),
        query(
            "SELECT actor AS who FROM timeline WHERE incident_id = ? AND kind = 'sop'"
            " ORDER BY id DESC LIMIT 1",
            incident_id,
        ),
    )
    reporters = [who for row in (*first, *newest) if (who := reporter_of(row["who"]))]
    return tuple(dict.fromkeys((*reporters, *(row["who"] for row in chosen))))


class ProposalsPart(Part):
    """The methods of `Store` for remediations to propose."""

    async def askers(self, incident_id: int) -> tuple[str, ...]:
        """Return the people who made the incident's SOP offer its actions."""
        return await self._engine.read(askers, incident_id)

    async def claim_proposal(
        self, now: datetime, in_hand: Sequence[int] = ()
    ) -> ProposalTask | None:
        """Claim the due task of the most severe incident; None if there is none.

        Tasks of a replica whose lease lapsed are claimed again, and this replica's own that are not
        `in_hand`.
        """
        return await self._write(claim, self.owner, now, in_hand)

    async def defer_proposal(self, task_id: int, until: datetime, *, is_our_fault: bool) -> None:
        """Try the task again from then on, after a fault of ours five times at most."""
        await self._write(defer, task_id, self.owner, until, is_our_fault=is_our_fault)

    async def wake_proposals(self, now: datetime) -> None:
        """Make due the tasks that wait for the gateway: it works again."""
        await self._write(wake, now)

    async def proposal_done(self, task_id: int) -> None:
        """Delete a finished task."""
        await self._write(done, task_id)
