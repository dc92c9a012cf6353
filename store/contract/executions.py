"""Approved remediations: each is sent once, has an outcome, and is verified."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.approvals.blockers import Config
from bot.approvals.limits import Limits
from bot.approvals.model import ClaimedDispatch, Execution, VerifyingAlert
from bot.incidents.remediation import RemediationStatus
from store.contract.part import Part
from store.operations import (
    executions,
    outcomes,
    verification,
)

DEFAULT_LIMITS = Limits()


class Executions(Part):
    """The methods of `Store` for dispatches."""

    async def claim_dispatch(
        self, now: datetime, limits: Limits = DEFAULT_LIMITS
    ) -> ClaimedDispatch | None:
        """Take on one approved execution; `dispatching` is durable before this returns.

        It comes with its approval and incident, as its transaction read them.

        One action a target at a time, in the order of approval, however many claim: the next one
        waits. What anything else blocks is revoked instead.
        """
        return await self._write(executions.claim, self.owner, now, limits)

    async def still_wanted(
        self, execution: Execution, now: datetime, limits: Limits = DEFAULT_LIMITS
    ) -> bool:
        """Whether it may (still) be sent; if anything blocks it, it is revoked."""
        return await self._write(executions.still_wanted, execution.id, self.owner, now, limits)

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
        return await self._write(
            executions.request, execution.id, self.owner, now, limits, config, detail
        )

    async def orphaned_executions(self, ours_before: datetime, now: datetime) -> list[Execution]:
        """Executions that a replica was dispatching whose lease lapsed.

        With our own that began before `ours_before`: when the answer to a claim is lost, the claim
        may stand. Who asks knows which of them it is sending.
        """
        return await self._engine.read(executions.orphans, self.owner, ours_before, now)

    async def adopt_execution(self, execution: Execution, now: datetime) -> bool:
        """Take over an orphan; True for exactly one caller."""
        return await self._write(executions.adopt, execution.id, execution.owner, self.owner, now)

    async def still_running(self, execution: Execution, now: datetime) -> None:
        """Show that it still runs at the gateway; see `unknown_outcomes`."""
        await self._write(executions.still_running, execution.id, execution.owner, now)

    async def finish_execution(
        self,
        execution: Execution,
        state: RemediationStatus,
        *,
        answer: dict[str, Any] | None,
        error: str,
        now: datetime,
        finished_at: datetime | None = None,
        verify_until: datetime | None = None,
        looked_up: bool = False,
        not_run: bool = False,
    ) -> Execution:
        """Write the outcome and show it. Without effect on what is finished.

        Nor, without a gateway's answer, on what another replica has taken over since. The answer
        counts even for what was revoked, or said not to have run, while it was under way.

        `finished_at` is when it ended, where that is known; else it ended now. `looked_up`: the
        gateway was asked for it afterwards. `not_run`: nothing ran, for sure.
        """
        return await self._write(
            outcomes.finish,
            execution.id,
            state,
            owner=execution.owner,
            answer=answer,
            error=error,
            now=now,
            finished_at=finished_at or now,
            verify_until=verify_until,
            looked_up=looked_up,
            not_run=not_run,
        )

    async def try_again(
        self, approval_id: str, user: str, now: datetime, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        """Queue again what did not run, by the same approval; Refused if not allowed."""
        await self._write(outcomes.try_again, approval_id, user, now, limits)

    async def end_retries(self, now: datetime) -> None:
        """Remove Try again where the approval is too old by now."""
        await self._write(outcomes.end_retries, now)

    async def mark_by_hand(
        self, execution: Execution, user: str, now: datetime, verify_until: datetime
    ) -> bool:
        """A person says that they did it; False unless its outcome is unknown."""
        return await self._write(outcomes.mark_by_hand, execution.id, user, now, verify_until)

    async def mark_not_run(self, execution: Execution, user: str, now: datetime) -> bool:
        """A person says that it never ran; False unless its outcome is unknown."""
        return await self._write(outcomes.mark_not_run, execution.id, user, now)

    async def execution(self, execution_id: str) -> Execution:
        """One execution, or NotFound."""
        return await self._engine.read(executions.get, execution_id)

    async def execution_of(self, approval_id: str) -> Execution | None:
        """The execution of an approval, if there is one."""
        return await self._engine.read(executions.of_approval, approval_id)

    async def executions_of(self, incident_id: int) -> list[Execution]:
        """Every execution of an incident, oldest first."""
        return await self._engine.read(executions.of_incident, incident_id)

    async def verifying(self) -> list[Execution]:
        """Executions that ran and are not verified yet."""
        return await self._engine.read(outcomes.verifying)

    async def verifying_alerts(self, execution_id: str) -> list[VerifyingAlert]:
        """The alerts that fired when its request was sent, until `conclude`, by sender."""
        return await self._engine.read(verification.of_execution, execution_id)

    async def unknown_outcomes(self, since: datetime, stuck_before: datetime) -> list[Execution]:
        """Executions whose outcome is unknown, sent since then.

        With those that still run at the gateway, and those that somebody began to send, or took
        over, before `stuck_before` and never finished.
        """
        return await self._engine.read(outcomes.unknown, since, stuck_before)

    async def count_probe(self, execution_id: str, good: bool, note: str) -> int:
        """How many probes in a row were good, this one included."""
        return await self._write(outcomes.count_probe, execution_id, good, note)

    async def conclude(
        self, execution_id: str, state: RemediationStatus, note: str, now: datetime
    ) -> bool:
        """Verified, not verified, or `succeeded` where nobody can tell. False the second time.

        What was to be taken back by another execution is `undone` once that one succeeded.
        """
        return await self._write(outcomes.conclude, execution_id, state, note, now)
