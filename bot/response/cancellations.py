"""Cancels a running action for a person, where the gateway can end it half-way."""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.model import Approval, Execution
from bot.errors import NotFound, Refused
from bot.incidents.model import Incident
from bot.incidents.remediation import RemediationStatus
from bot.language import deferred
from bot.remediation.client import Running
from bot.response.decisions import Decisions
from bot.response.dependencies import Dependencies

_MAY_RUN = (RemediationStatus.DISPATCHING, RemediationStatus.OUTCOME_UNKNOWN)


class Cancellations:
    """Tells the gateway to end what runs. How it ended is the execution's own answer."""

    def __init__(
        self,
        dependencies: Dependencies,
        decisions: Decisions,
    ) -> None:
        self._gateways = dependencies.gateways
        self._store = dependencies.store
        self._clock = dependencies.clock
        self._decisions = decisions

    async def cancel(self, incident: Incident, user: str) -> list[tuple[Approval, str]]:
        """Cancel everything that runs for the incident; return each with its progress.

        NotFound: nothing runs. Refused: what runs cannot be ended half-way, or the person may not
        decide on it: who may not approve an action may not end it, by command or button.
        """
        await self._decisions.check_person(user)
        return await self._cancel(incident, user, await self._store.approvals_of(incident.id))

    async def cancel_one(self, approval: Approval, user: str) -> str:
        """Cancel what runs for one approval; return its progress. Raises as `cancel` does."""
        incident = await self._store.incident(approval.incident_id)
        ((_, progress),) = await self._cancel(incident, user, [approval])
        return progress

    async def _cancel(
        self, incident: Incident, user: str, approvals: Sequence[Approval]
    ) -> list[tuple[Approval, str]]:
        running = await self._running(incident, approvals)
        if not running:
            raise NotFound(
                deferred("Nothing cancelled: no action runs for {number}.", number=incident.number)
            )
        for approval, _execution, _now_running in running:
            await self._decisions.check_decider(approval, user)
        cancelled: list[tuple[Approval, str]] = []
        for approval, execution, now_running in running:
            if not now_running.cancellable:
                continue
            line = deferred("Cancelled while it ran: {title}", title=approval.proposal.title)
            await self._store.record_gateway_use(incident.id, line, user, self._clock())
            gateway = self._gateways.named(approval.preview.gateway).client
            if await gateway.cancel(execution.key, tracking_id=incident.tracking_id):
                cancelled.append((approval, now_running.progress))
        if not cancelled:
            raise Refused(
                deferred("Not cancelled: what runs cannot be ended half-way, or has just ended.")
            )
        return cancelled

    async def _running(
        self, incident: Incident, approvals: Sequence[Approval]
    ) -> list[tuple[Approval, Execution, Running]]:
        """Return which of these the gateway runs, by its own word."""
        running = []
        for approval in approvals:
            execution = await self._store.execution_of(approval.id)
            if execution is None or execution.state not in _MAY_RUN:
                continue
            gateway = self._gateways.named(approval.preview.gateway).client
            answer = await gateway.lookup(execution.key, tracking_id=incident.tracking_id)
            if isinstance(answer, Running):
                running.append((approval, execution, answer))
        return running
