"""Shows how far an action is while the gateway runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bot.approvals.model import ClaimedDispatch, Execution
from bot.errors import SopbotError
from bot.remediation.client import Running
from bot.response.dependencies import Dependencies
from bot.response.parallel import Parallel

AT_ONCE = 8


class ProgressReports:
    """Asks the gateway about the requests of this replica that wait for their answer."""

    def __init__(
        self, dependencies: Dependencies, in_hand: Callable[[], Sequence[ClaimedDispatch]]
    ) -> None:
        self._gateways = dependencies.gateways
        self._store = dependencies.store
        self._clock = dependencies.clock
        self._in_hand = in_hand
        self._reports = Parallel("follow", lambda: AT_ONCE)

    async def follow(self) -> None:
        """Ask about each, and show what changed. The pace of this step is the pace of the card."""
        in_hand = self._in_hand()
        sent = {claimed.id: claimed for claimed in in_hand}

        async def follow(execution: Execution) -> None:
            await self._follow(sent[execution.id])

        await self._reports.each([claimed.execution for claimed in in_hand], follow)

    async def _follow(self, claimed: ClaimedDispatch) -> None:
        execution = claimed.execution
        try:
            gateway = self._gateways.named(claimed.approval.preview.gateway).client
            answer = await gateway.lookup(execution.key, tracking_id=claimed.incident.tracking_id)
        except SopbotError:
            return  # the request's own answer decides; this is asked again in a moment
        if isinstance(answer, Running):
            await self._store.note_progress(
                execution.id,
                answer.progress,
                cancellable=answer.cancellable,
                now=self._clock(),
            )
