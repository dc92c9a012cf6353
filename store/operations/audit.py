"""The audit trail: every decision as a row of a keyed hash chain (`store.audit.proof` says how).

The operation that decides calls `record`, so that the decision and its row commit together or not
at all:

    yield from audit.record(
        Kind.VOTED, now=now, incident_id=4, subject=approval_id, actor=voter.user, detail={…}
    )

Call it last: on PostgreSQL it takes a lock until the commit, and every other `record` waits for it.
`detail` holds the facts by which the decision can be judged later: ids, digests, text shown to
people. It never holds a secret, and of a large value only its SHA-256.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.errors import Refused
from bot.language import deferred
from store.audit.known_head import Head, TrailView
from store.audit.proof.rows import (
    FIRST,
    HEAD,
    Anchor,
    Row,
    body_text,
    canonical,
    link_text,
)
from store.log_events import log_event
from store.operations import trail_end
from store.operations.audit_kinds import EVENTS, LOGGED, Kind
from store.operations.part import Part
from store.statements import (
    Operation,
    bindable,
    from_db_time,
    lock,
    recall,
    run,
    seal,
    to_db_time,
)

LOCK = "audit"
LONGEST_ID = 64  # characters recorded of an untrusted id
SKEW = timedelta(seconds=60)
"""Replicas read the time before they wait for the lock, so a smaller step back is no fault."""


def record(
    kind: Kind,
    *,
    now: datetime,
    incident_id: int | None = None,
    subject: str = "",
    actor: str = "",
    detail: Mapping[str, Any] | None = None,
) -> Operation[int]:
    """Add a row to the chain, in the caller's transaction. Returns its number.

    StoreError if the end of the chain was tampered with: no row is added to such a chain.
    """
    yield lock(LOCK)
    head = yield from trail_end.end_of_chain()
    view: TrailView = yield recall()
    known = view.seen or view.known
    if known is None:
        view.new_dispute = view.new_dispute or (yield from trail_end.cut_off(head))
    elif head is None or (head.seq, head.mac) != (known.seq, known.mac):
        view.new_dispute = view.new_dispute or (yield from trail_end.contradiction(head, known))
    if head is not None and to_db_time(now + SKEW) < head.at:
        behind = round((from_db_time(head.at) - now).total_seconds())
        head = yield from _append(
            head, _row(Kind.CLOCK_MOVED_BACK, now, None, "", "", {"seconds": behind})
        )
    facts = dict(detail or {})
    if kind is Kind.REQUEST and head is not None and (previous := trail_end.last_request(head)):
        facts["previous"] = previous  # see `trust.py`
    head = yield from _append(head, _row(kind, now, incident_id, subject, actor, facts))
    view.seen = Head(head.seq, head.mac)
    if event := EVENTS.get(kind):
        logged = {name: facts[name] for name in LOGGED if facts.get(name)}
        if isinstance(logged.get("why"), dict):  # a reason: log its code
            logged["why"] = logged["why"]["code"]
        if kind is not Kind.POLICY_LOADED:
            named = "silence" if kind in (Kind.SILENCED, Kind.SILENCE_ENDED) else "approval"
            logged = {"state": str(kind), named: subject or None, **logged}
        yield log_event(event, incident_id, actor=actor or None, **logged)
    return head.seq


def check_clock(now: datetime) -> Operation[None]:
    """Refused if the chain has a later time: no decision is taken while the clock is wrong."""
    head = yield from trail_end.end_of_chain()
    if head is not None and to_db_time(now + SKEW) < trail_end.latest_time(head):
        behind = round((from_db_time(trail_end.latest_time(head)) - now).total_seconds())
        raise Refused(
            deferred(
                "Not counted: the bot's clock is {behind} s behind what is on record.",
                behind=behind,
            ),
            remedy=deferred(
                "Nothing is decided until an operator mends the clock or, if the clock "
                "is right now, begins a new trail: `python -m bot audit begin-anew`."
            ),
        )


def _row(
    kind: Kind,
    now: datetime,
    incident_id: int | None,
    subject: str,
    actor: str,
    detail: Mapping[str, Any],
) -> Row:
    """Return the row as the store will have it, without its place in the chain."""
    subject, actor = bindable((subject, actor))
    return Row(
        0, to_db_time(now), str(kind), incident_id, subject, actor, canonical(detail), "", ""
    )


def _append(head: Anchor | None, row: Row) -> Operation[Anchor]:
    """Write the row after `head`; returns the new head."""
    seq, prev = (head.seq + 1, head.mac) if head else (1, FIRST)
    body = yield seal(body_text(row))
    mac = yield seal(link_text(seq, prev, body))
    yield run(
        "INSERT INTO audit (seq, at, kind, incident_id, subject, actor, detail, prev, mac)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        seq,
        row.at,
        row.kind,
        row.incident_id,
        row.subject,
        row.actor,
        row.detail,
        prev,
        mac,
    )
    note = trail_end.note_after(head, row.kind, row.at, seq)
    moved: Anchor = yield from trail_end.put(Anchor(HEAD, seq, mac, row.at, note, ""))
    return moved


class AuditTrailPart(Part):
    """The methods of `Store` for single rows of the audit trail."""

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
        """Record an event that changes nothing else. Returns the number of its row.

        StoreError if the chain was tampered with: no row is added to such a chain.
        """
        return await self._write(
            record,
            kind,
            now=now,
            incident_id=incident_id,
            subject=subject,
            actor=actor,
            detail=detail,
        )
