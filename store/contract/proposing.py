"""The proposals to plan and put before people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from store.contract.part import Part
from store.operations import proposing
from store.rows import ProposalTask


class Proposing(Part):
    """The methods of `Store` for what is to be proposed."""

    async def claim_proposal(
        self, now: datetime, in_hand: Sequence[int] = ()
    ) -> ProposalTask | None:
        """Claim the due task of the most severe incident; None without any.

        What a replica left whose lease lapsed comes again, and what is this replica's own and not
        `in_hand`.
        """
        return await self._write(proposing.claim, self.owner, now, in_hand)

    async def defer_proposal(self, task_id: int, until: datetime, *, is_our_fault: bool) -> None:
        """Try it again from then on: five times where it failed by a fault of ours."""
        await self._write(proposing.defer, task_id, self.owner, until, is_our_fault=is_our_fault)

    async def wake_proposals(self, now: datetime) -> None:
        """The gateway is back: what waits for it is due now."""
        await self._write(proposing.wake, now)

    async def proposal_done(self, task_id: int) -> None:
        """Nothing more is to be proposed by it."""
        await self._write(proposing.done, task_id)
