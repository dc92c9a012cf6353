"""The audit trail: every decision as a row of a keyed chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from store.audit.known_head import Head
from store.audit.proof import Anchor
from store.contract.part import Part
from store.operations import (
    audit,
    disputes,
    keeping,
)
from store.operations.audit import Kind


class Audit(Part):
    """The methods of `Store` for the audit trail."""

    async def record(
        self,
        kind: Kind,
        *,
        now: datetime,
        incident_id: int | None = None,
        subject: str = "",
        actor: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> int:
        """Put something on record by itself, which no other change goes with. Its number.

        StoreError when the chain was tampered with: nothing is built on that.
        """
        return await self._write(
            audit.record,
            kind,
            now=now,
            incident_id=incident_id,
            subject=subject,
            actor=actor,
            detail=detail,
        )

    async def close_audit_day(self, channel: str, now: datetime) -> bool:
        """Prove what came on record since the last time, and post yesterday's head in `channel`.

        Once a day, whoever asks and however often; then False. What is wrong with the trail is
        posted with it.
        """
        return await self._write(keeping.close_day, channel, now)

    async def trail_dispute(self) -> str:
        """How the trail contradicts what a bot has seen of it, in words; '' when it does not."""
        return await self._read_sealed(disputes.current)

    async def check_trail(self, channel: str, now: datetime) -> str:
        """As `trail_dispute`. A new dispute goes on record, and one notice is posted in `channel`.

        What the trail shows by itself is not put on record: nothing is added to such a trail.
        """
        return await self._write(disputes.check, channel, now)

    async def compare_posted_heads(self, posted: Sequence[tuple[Head, datetime]]) -> None:
        """Dispute the trail if it lacks the highest of the heads, each with when it was posted.

        One that was posted before the trail was begun anew does not count. StoreError: the trail's
        own head is forged.
        """
        await self._read_sealed(disputes.compare_posted, posted)

    async def audit_day(self, day: str) -> Anchor | None:
        """The head of the trail at the end of that day, as it is to be posted."""
        return await self._read_sealed(keeping.closed_day, day)

    async def prune_audit(self, before: datetime, now: datetime) -> int:
        """Forget the rows of before then, behind a checkpoint that proves them. Returns how many.

        StoreError when they cannot be proved: what was tampered with is not forgotten.
        """
        return await self._write(keeping.prune, before, now)

    async def begin_audit_anew(self, reason: str, now: datetime) -> int:
        """Forget the trail and go on with a new one, by this store's key. Its first row's number.

        Nothing of the former can be proved here any more: keep a copy of the store before.
        """
        return await self._write(keeping.begin_anew, reason, now)
