"""Approvals that wait, and their votes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from bot.approvals.blockers import Blocker, Facts
from bot.approvals.limits import Limits
from bot.approvals.model import Approval, Choice, Freeze
from bot.approvals.policy import Voter
from bot.approvals.record import TrackRecord
from store.contract.part import Part
from store.operations import (
    approvals,
    freezes,
    guards,
    records,
    trust,
    votes,
)

log = logging.getLogger(__name__)

DEFAULT_LIMITS = Limits()


class Approvals(Part):
    """The methods of `Store` for approvals."""

    async def ask(
        self, approval: Approval, origin: str, limits: Limits = DEFAULT_LIMITS
    ) -> Approval:
        """Put a proposal before people. The same `origin` asks once; Refused when resolved.

        AlreadyProposed when the same waits for approval in that incident. Refused, too, when it
        would be of no use. One that `needed` nobody's approval is approved at once, or Refused.
        """
        return await self._write(approvals.ask, approval, origin, limits)

    async def edit(
        self,
        old_id: str,
        fresh: Approval,
        origin: str,
        editor: str,
        values: Mapping[str, str],
        limits: Limits = DEFAULT_LIMITS,
    ) -> Approval:
        """Put `fresh` before people in the place of the old one, which is revoked by that.

        The same `origin` edits once. Refused when the old one waits no more, and as `ask` refuses.
        """
        return await self._write(approvals.edit, old_id, fresh, origin, editor, values, limits)

    async def approval(self, approval_id: str) -> Approval:
        """One approval with its votes, or NotFound."""
        return await self._engine.read(approvals.get, approval_id)

    async def approvals_of(self, incident_id: int) -> list[Approval]:
        """Every approval of an incident, oldest first."""
        return await self._engine.read(approvals.of_incident, incident_id)

    async def approvals_waiting(self) -> list[Approval]:
        """Every approval that waits for a yes."""
        return await self._engine.read(approvals.waiting)

    async def vote(
        self,
        approval_id: str,
        voter: Voter,
        choice: Choice,
        home_team: str,
        now: datetime,
        press: Mapping[str, str] | None = None,
        *,
        reason: str = "",
        limits: Limits = DEFAULT_LIMITS,
    ) -> Approval:
        """Count one person's word. One approval leads to at most one execution, whatever races.

        `press` is what Slack calls the press; it goes on record with the vote. Refused says why, to
        the person who pressed; NotFound for an id that is not ours. A yes is refused too while the
        limits, or a freeze, would not let it run.
        """
        return await self._write(
            votes.vote,
            approval_id,
            voter,
            choice,
            home_team,
            now,
            press or {},
            reason=reason,
            limits=limits,
        )

    async def is_on_record(self, approval: Approval) -> bool:
        """Whether the audit trail has this approval and each of its votes.

        Whoever may write to the database can write votes into it, but none of this.
        """
        missing = await self._read_sealed(trust.missing, approval)
        if not missing:
            return True
        log.error(
            "approval %s of INC-%d says yes, but not on record is %s: was the store edited?",
            approval.id,
            approval.incident_id,
            missing,
        )
        return False

    async def blocker_facts(self, limits: Limits, now: datetime) -> Facts:
        """The facts for `blockers.evaluate`, for any number of approvals."""
        return await self._read_sealed(guards.facts, limits, now)

    async def drawn_blockers(self) -> dict[str, str]:
        """The blocker with which each waiting approval's card was drawn, by approval id."""
        return await self._engine.read(approvals.drawn)

    async def redraw(self, approval_id: str, blocker: Blocker | None, now: datetime) -> bool:
        """Draw the card of what waits again; False when it was drawn with this blocker."""
        return await self._write(approvals.redraw, approval_id, blocker, now)

    async def expire_approvals(self, now: datetime) -> int:
        """End what waited too long. Returns how many."""
        return await self._write(approvals.expire, now)

    async def revoke(self, approval_id: str, reason: str, now: datetime) -> bool:
        """Take an approved remediation back before it is sent. False when it is too late.

        What another replica has claimed is its own to take back.
        """
        return await self._write(approvals.revoke, approval_id, reason, now, self.owner)

    async def end_blocked(self, approval: Approval, blocker: Blocker, now: datetime) -> bool:
        """Revoke what may not run; it is proposed again where it needs another approval now.

        False when it is too late: what another replica has claimed is its own to take back.
        """
        return await self._write(approvals.end_blocked, approval, blocker, now, self.owner)

    async def withdraw(self, approval_id: str, reason: str, now: datetime) -> bool:
        """Revoke what waits for a yes, or has it and is not claimed. False when it is too late."""
        return await self._write(approvals.withdraw, approval_id, reason, now)

    async def track_record(self, sop_id: str, action_id: str) -> TrackRecord:
        """The results of this action for that SOP ID so far."""
        return await self._engine.read(records.of, sop_id, action_id)

    async def freeze(
        self, user: str, reason: str, now: datetime, *, channel: str
    ) -> tuple[Freeze, bool]:
        """No replica claims from now on; the same commit enqueues the notice to `channel`.

        (the freeze that stands, whether it is this one): another may have been there.
        """
        return await self._write(freezes.freeze, user, reason, channel, now)

    async def unfreeze(self, user: str, now: datetime, *, channel: str) -> Freeze | None:
        """End the freeze and return it, with a notice to `channel`; None when there was none."""
        return await self._write(freezes.unfreeze, user, channel, now)

    async def frozen(self) -> Freeze | None:
        """The freeze, while there is one, by the store or by the audit trail."""
        return await self._read_sealed(freezes.current)
