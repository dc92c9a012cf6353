"""The third step: plans the proposals that are due, and puts them before people."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

from bot.approvals.model import Approval
from bot.errors import AlreadyProposed, GatewayUnavailable, InputError, Refused, StoreError
from bot.incidents.model import Incident
from bot.language import deferred
from bot.response import proposal_parts
from bot.response.dependencies import Dependencies
from bot.response.proposals import Proposals
from bot.serving.logs import bound
from store.rows import ProposalTask

log = logging.getLogger(__name__)

AGAIN_SECONDS, AGAIN_AT_MOST = 2.0, 60.0  # the pause before a plan is retried

Wanted = tuple[str, Callable[[], Awaitable[Approval]]]
"""An action's name, and the function that makes its approval."""


class ProposalQueue:
    """Claims proposal tasks, beside the advice. A slow plan delays only its own task."""

    def __init__(self, dependencies: Dependencies, proposals: Proposals) -> None:
        self._store = dependencies.store
        self._config = dependencies.config
        self._proposals = proposals
        self._clock = dependencies.clock
        self._in_hand: set[int] = set()  # claimed tasks in progress

    async def claim(self) -> ProposalTask | None:
        """Claim the task of the most severe incident."""
        task = await self._store.claim_proposal(self._clock(), tuple(self._in_hand))
        if task is not None:
            self._in_hand.add(task.id)
        return task

    async def work(self, task: ProposalTask) -> None:
        """Propose the claimed task. If the gateway cannot plan it, it is retried later."""
        try:
            incident = await self._store.incident(task.incident_id)
            with bound(
                incident=incident.number, sop_id=incident.sop_id, tracking_id=incident.tracking_id
            ):
                away = await self._propose(incident, task)
            if away:
                seconds = min(AGAIN_SECONDS * 2**task.deferrals, AGAIN_AT_MOST)
                await self._defer(task, seconds, is_our_fault=False)
            else:
                await self._store.proposal_done(task.id)
        except BaseException:
            with suppress(StoreError):  # it stays ours and not in hand, so it is claimed again
                await self._defer(task, task.attempts, is_our_fault=True)
            raise
        finally:
            self._in_hand.discard(task.id)

    async def _defer(self, task: ProposalTask, seconds: float, *, is_our_fault: bool) -> None:
        until = self._clock() + timedelta(seconds=seconds)
        await self._store.defer_proposal(task.id, until, is_our_fault=is_our_fault)

    async def _propose(self, incident: Incident, task: ProposalTask) -> bool:
        """Propose; return whether the gateway could not plan something that is still needed."""
        away = False
        for place, (name, propose) in enumerate(await self._proposals_due(incident, task)):
            try:
                result = await propose()
                await self._store.ask(result, f"{task.origin}:{place}", self._config.current.limits)
            except AlreadyProposed:
                continue  # it has a card already
            except (Refused, InputError, GatewayUnavailable) as error:
                if await self._is_over(incident):
                    return False
                is_away = isinstance(error, GatewayUnavailable)
                away = away or is_away
                if is_away and task.deferrals:
                    continue  # the thread shows it already
                log.info("not proposed: %s", error)
                why = str(error).removeprefix("Not proposed: ")
                text = deferred("Not proposed: {name}. {why}", name=name, why=why)
                if is_away:
                    text = deferred(
                        "{text} It is proposed as soon as the gateway can plan it.", text=text
                    )
                await self._store.note(incident.id, text, "", self._clock())
        return away

    async def _proposals_due(self, incident: Incident, task: ProposalTask) -> list[Wanted]:
        """Return the proposals of a task: the old approval again, or those that the SOP offers."""
        if task.approval_id:
            old = await self._store.approval(task.approval_id)
            return [(old.proposal.action_id, partial(self._proposals.propose_again, incident, old))]
        alert = await self._store.latest_alert(incident.id)
        current = self._config.current
        sop, remediate = current.sops.get(incident.sop_id), current.policy.remediate
        if sop is None or alert is None or not remediate.propose_from_sop:
            return []
        offered = proposal_parts.offered(sop, alert, remediate.declared, current.services)
        return [
            (action.action, partial(self._proposals.from_sop, incident, sop, action, alert))
            for _, action in offered
        ]

    async def _is_over(self, incident: Incident) -> bool:
        """True if the incident is resolved: then a failed proposal is not worth a message."""
        return (await self._store.incident(incident.id)).resolved_at is not None
