"""Disputes of the audit trail: it is no longer the one that this process has seen.

A dispute is recorded as a row made with the key, so that other replicas, later processes and
`audit verify` know of it. Only `audit begin-anew` ends it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from store.audit.known_head import Head, TrailView
from store.audit.proof.rows import HEAD, Anchor
from store.operations import audit, notices, trail_end
from store.operations.audit_kinds import Kind
from store.operations.part import Part
from store.operations.trail_end import End
from store.statements import Operation, query, recall, to_db_time

NOTICE = "trail"
"""The kind of the message in the ops channel."""


def current() -> Operation[str]:
    """Return the dispute about the trail as text; '' if there is none."""
    dispute: str = yield from of_trail((yield from trail_end.find_end()))
    return dispute


def of_trail(end: End) -> Operation[str]:
    """Do the same for the trail with this end."""
    view: TrailView = yield recall()
    if view.dispute:
        return view.dispute
    head = end.head
    if head is not None and not end.genuine:
        return ""  # `freezes.current` disputes a forged head
    if view.known is None:
        view.new_dispute = yield from trail_end.cut_off(head)
    else:
        view.new_dispute = yield from trail_end.contradiction(head, view.known)
    if view.new_dispute:
        return view.new_dispute
    if head is not None:
        view.seen = Head(head.seq, head.mac)
    return (yield from _on_record())


def compare_posted(posted: Sequence[tuple[Head, datetime]]) -> Operation[None]:
    """Dispute a trail that lacks the highest head posted since its last reset.

    Not the newest head: somebody who can write to the outbox can have an older day posted again.
    The mac
    of the highest proves the lower ones too.
    """
    begun = yield query(
        "SELECT * FROM audit WHERE incident_id IS NULL AND kind = ? ORDER BY seq", Kind.BEGUN_ANEW
    )
    began = ""
    for row in map(trail_end.row_from, begun):
        if not (yield from trail_end.is_forged(row)):
            began = max(began, row.at)
    heads = [head for head, posted_at in posted if to_db_time(posted_at) >= began]
    if not heads:
        return
    head = yield from trail_end.end_of_chain()
    view: TrailView = yield recall()
    highest = max(heads, key=lambda head: head.seq)
    if why := (yield from trail_end.contradiction(head, highest)):
        view.new_dispute = f"its head was posted in Slack, and since then {why}"


def check(channel: str, now: datetime) -> Operation[str]:
    """Return the dispute about the trail as text; '' if there is none.

    1. Compare the trail with what is known of it.
    2. Without a dispute, end the notice in `channel`.
    3. Record a new dispute that the trail does not show by itself.
    4. Begin the notice.
    """
    why: str = yield from current()
    if not why:
        yield from notices.upsert_notice(NOTICE, channel, {"why": ""}, now, over=True)
        return ""
    if not (yield from _on_record()) and not (yield from _shows_by_itself()):
        yield from audit.record(Kind.DISPUTED, now=now, detail={"why": why})
    if (yield from notices.lasting(NOTICE, channel)) is None:
        yield from notices.upsert_notice(NOTICE, channel, {"why": why}, now, over=False)
    return why


def _shows_by_itself() -> Operation[bool]:
    """Return whether `audit verify` finds the fault in the trail as it stands."""
    view: TrailView = yield recall()
    head: Anchor | None = yield from trail_end.find_anchor(HEAD)
    if head is None:
        return bool((yield query("SELECT 1 FROM audit LIMIT 1")))
    if view.known is None or head.seq < view.known.seq:
        return False
    rows = yield query("SELECT * FROM audit WHERE seq = ?", view.known.seq)
    return not rows or bool((yield from trail_end.is_forged(trail_end.row_from(rows[0]))))


def _on_record() -> Operation[str]:
    rows = yield query(
        "SELECT * FROM audit WHERE incident_id IS NULL AND kind = ? ORDER BY seq", Kind.DISPUTED
    )
    for row in map(trail_end.row_from, rows):
        if not (yield from trail_end.is_forged(row)):
            return str(json.loads(row.detail)["why"])
    return ""


class DisputesPart(Part):
    """The methods of `Store` for disputes about the audit trail."""

    async def trail_dispute(self) -> str:
        """Return how the trail contradicts the rows that a bot has seen; '' if it does not."""
        return await self._read_sealed(current)

    async def check_trail(self, channel: str, now: datetime) -> str:
        """Return what `trail_dispute` returns, and record a dispute that is new.

        One notice of it is posted in `channel`. A fault that the trail shows by itself is not
        recorded: nothing is added to such a trail.
        """
        return await self._write(check, channel, now)

    async def compare_posted_heads(self, posted: Sequence[tuple[Head, datetime]]) -> None:
        """Dispute the trail if it lacks the highest of the heads, each with its time of posting.

        A head that was posted before the trail's last reset does not count. StoreError: the trail's
        own head is forged.
        """
        await self._read_sealed(compare_posted, posted)
