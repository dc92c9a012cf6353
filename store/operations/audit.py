"""The audit trail: every decision as a row of a keyed hash chain (`store.audit.proof` says how).

`record` is for use inside of the operation that decides, so that the decision and its row commit
together or not at all:

    yield from audit.record(
        Kind.VOTED, now=now, incident_id=4, subject=approval_id, actor=voter.user, detail={…}
    )

It comes last in its operation: on PostgreSQL it takes a lock that everybody who records waits for,
until the commit. `detail` is for facts by which the decision can be judged later: ids, digests,
words shown to people. Never a secret, and of what is large only its SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from bot.errors import Refused, StoreError
from bot.observability.events import Event
from store.audit.known_head import Head, TrailView
from store.audit.proof.rows import (
    CHECKPOINT,
    FIRST,
    HEAD,
    Anchor,
    Row,
    anchor_text,
    body_text,
    canonical,
    link_text,
)
from store.log_events import log_event
from store.operations.part import Part
from store.statements import (
    Operation,
    bindable,
    from_db_time,
    genuine,
    lock,
    query,
    recall,
    run,
    seal,
    to_db_time,
)

LOCK = "audit"
LONGEST_ID = 64  # of an id that a stranger made up no more goes on record
SKEW = timedelta(seconds=60)
"""Replicas wait for their turn with the time in hand: only more than this is a clock moved back."""


class Kind(StrEnum):
    """The kinds of rows on record. `subject` is the approval's id unless a kind says otherwise."""

    PROPOSED = "proposed"  # with the digest, and every parameter with its origin
    EDITED = "edited"  # somebody changed the parameters; actor: who
    VOTED = "voted"  # a vote that counts; detail: the choice, Slack's ids of the press
    REFUSED = "refused"  # a press, a command or a proposal that was not allowed; detail: why
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REVOKED = "revoked"  # detail: why
    DISPATCHING = "dispatching"  # claimed, before anything is sent
    TAKEN_OVER = "taken over"  # another replica looks after it; its former one is gone
    REQUEST = "request"  # what is about to be sent: SHA-256 of its bytes, key, the gateway's host
    ANSWER = "answer"  # what the gateway said: the state, SHA-256 of the answer
    OUTCOME_UNKNOWN = "outcome unknown"
    LOOKED_UP = "looked up"  # the gateway was asked what became of it
    TRIED_AGAIN = "tried again"  # what did not run is queued once more; actor: who
    MARKED_BY_HAND = "marked by hand"  # a person says what became of it
    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    VERIFICATION_UNKNOWN = "verification unknown"  # it ran, and nobody can tell whether it helped
    UNDONE = "undone"
    FROZEN = "frozen"  # nothing runs; subject: what is frozen
    UNFROZEN = "unfrozen"
    POLICY_LOADED = "policy loaded"  # subject: SHA-256 of the policy
    PRUNED = "pruned"  # retention forgot the rows up to detail.through
    DISPUTED = "disputed"  # a running bot had seen rows that the trail lacks; detail: why
    BEGUN_ANEW = "begun anew"  # with another key, or after a fault; detail: why, where it ended
    CLOCK_MOVED_BACK = "clock moved back"  # by more than SKEW; the next row was recorded then


_EVENTS = {
    Kind.PROPOSED: Event.REMEDIATION_PROPOSED,
    Kind.EDITED: Event.REMEDIATION_EDITED,
    Kind.VOTED: Event.VOTE_COUNTED,
    Kind.APPROVED: Event.APPROVAL_DECIDED,
    Kind.REJECTED: Event.APPROVAL_DECIDED,
    Kind.EXPIRED: Event.APPROVAL_DECIDED,
    Kind.REVOKED: Event.APPROVAL_DECIDED,
    Kind.DISPATCHING: Event.DISPATCH_CLAIMED,
    Kind.TAKEN_OVER: Event.LEASE_TAKEN_OVER,
    Kind.REQUEST: Event.DISPATCH_SENT,
    Kind.ANSWER: Event.DISPATCH_FINISHED,
    Kind.LOOKED_UP: Event.DISPATCH_FINISHED,
    Kind.OUTCOME_UNKNOWN: Event.DISPATCH_UNKNOWN,
    Kind.TRIED_AGAIN: Event.DISPATCH_MARKED,
    Kind.MARKED_BY_HAND: Event.DISPATCH_MARKED,
    Kind.VERIFIED: Event.REMEDIATION_VERIFIED,
    Kind.NOT_VERIFIED: Event.REMEDIATION_NOT_VERIFIED,
    Kind.VERIFICATION_UNKNOWN: Event.REMEDIATION_NOT_VERIFIED,
    Kind.UNDONE: Event.REMEDIATION_UNDONE,
    Kind.FROZEN: Event.FREEZE_SET,
    Kind.UNFROZEN: Event.FREEZE_ENDED,
    Kind.POLICY_LOADED: Event.POLICY_LOADED,
}
"""The log event of each kind. The missing kinds are about the trail itself, or a refusal, which
`handlers.listeners.errors` logs."""
_LOGGED = ("why", "choice", "state", "action", "target", "execution", "error", "former", "note")
"""What of a record's detail is logged too."""


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

    StoreError when where the chain ends was tampered with: nothing is built on that.
    """
    yield lock(LOCK)
    head = yield from end_of_chain()
    view: TrailView = yield recall()
    known = view.seen or view.known
    if known is None:
        view.new_dispute = view.new_dispute or (yield from cut_off(head))
    elif head is None or (head.seq, head.mac) != (known.seq, known.mac):
        view.new_dispute = view.new_dispute or (yield from contradiction(head, known))
    if head is not None and to_db_time(now + SKEW) < head.at:
        behind = round((from_db_time(head.at) - now).total_seconds())
        head = yield from _append(
            head, _row(Kind.CLOCK_MOVED_BACK, now, None, "", "", {"seconds": behind})
        )
    facts = dict(detail or {})
    if kind is Kind.REQUEST and head is not None and (previous := last_request(head)):
        facts["previous"] = previous  # see `trust._broken_requests`
    head = yield from _append(head, _row(kind, now, incident_id, subject, actor, facts))
    view.seen = Head(head.seq, head.mac)
    if event := _EVENTS.get(kind):
        logged = {name: facts[name] for name in _LOGGED if facts.get(name)}
        if isinstance(logged.get("why"), dict):  # a reason: its code
            logged["why"] = logged["why"]["code"]
        if kind is not Kind.POLICY_LOADED:
            logged = {"state": str(kind), "approval": subject or None, **logged}
        yield log_event(event, incident_id, actor=actor or None, **logged)
    return head.seq


def check_clock(now: datetime) -> Operation[None]:
    """Refused when the chain knows a later time: by a clock moved back nothing is decided."""
    head = yield from end_of_chain()
    if head is not None and to_db_time(now + SKEW) < latest_time(head):
        behind = round((from_db_time(latest_time(head)) - now).total_seconds())
        raise Refused(
            f"Not counted: the bot's clock is {behind} s behind what is on record.",
            remedy="Nothing is decided until an operator mends the clock or, if the clock is right"
            " now, begins a new trail: `python -m bot audit begin-anew`.",
        )


def _row(
    kind: Kind,
    now: datetime,
    incident_id: int | None,
    subject: str,
    actor: str,
    detail: Mapping[str, Any],
) -> Row:
    """The row as the store will keep it, without its place in the chain."""
    subject, actor = bindable((subject, actor))
    return Row(
        0, to_db_time(now), str(kind), incident_id, subject, actor, canonical(detail), "", ""
    )


_FROZEN_MARK, _REQUEST_MARK = " frozen", " request "


class End(NamedTuple):
    """The end of the chain as it is stored, and whether the key made it; no head is not genuine.

    It is handed on within one transaction only.
    """

    head: Anchor | None
    genuine: bool


def find_end() -> Operation[End]:
    """The end of the chain, whoever made it."""
    end: End = yield from end_of((yield from find_anchor(HEAD)))
    return end


def end_of(head: Anchor | None) -> Operation[End]:
    """The end of the chain whose stored head this is."""
    return End(head, head is not None and (yield seal(anchor_text(head))) == head.seal)


def end_of_chain() -> Operation[Anchor | None]:
    """The end of the chain; None when it is empty.

    The head's `note` is the latest time seen, the number of the last request, and whether
    everything is frozen: whoever deletes a freeze or an execution from the store, and its row from
    the trail, cannot take it out of here.
    """
    head: Anchor | None = yield from sealed_anchor(HEAD)
    return head


def latest_time(head: Anchor) -> str:
    """The latest time that the chain has seen."""
    return head.note.partition(" ")[0]


def last_request(head: Anchor) -> int:
    """The number of the last row that is a request; 0 when there is none."""
    number = head.note.removesuffix(_FROZEN_MARK).partition(_REQUEST_MARK)[2]
    return int(number) if number else 0


def says_frozen(head: Anchor) -> bool:
    """Return whether everything is frozen at the end of the chain."""
    return head.note.endswith(_FROZEN_MARK)


def sent_while_frozen(request: int, frozen: int) -> str:
    """The fault of a request that should not have been sent, by the numbers of both rows."""
    return f"row {request} is a request that was sent while everything was frozen, by row {frozen}"


def disputed_text(row: Row) -> str:
    """The fault that a running bot found and put on record in this row."""
    return (
        f"a bot that was running found, by row {row.seq}, that this is not the trail that it had"
        f" seen: {json.loads(row.detail)['why']}"
    )


def sealed_anchor(name: str) -> Operation[Anchor | None]:
    """An anchor; None when there is none. StoreError when the key did not make it."""
    anchor: Anchor | None = yield from find_anchor(name)
    if anchor is not None and (yield seal(anchor_text(anchor))) != anchor.seal:
        raise StoreError(
            "The audit trail was tampered with, or AUDIT_KEY is not the key that it was made with.",
            permanent=True,
            remedy="`python -m bot audit verify` says what is wrong.",
        )
    return anchor


def find_anchor(name: str) -> Operation[Anchor | None]:
    """An anchor as it stands there, whoever made it."""
    rows = yield query("SELECT * FROM audit_anchors WHERE name = ?", name)
    return anchor_from(rows[0]) if rows else None


def _append(head: Anchor | None, row: Row) -> Operation[Anchor]:
    """Write the row behind `head`; returns the new head."""
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
    latest = max(row.at, latest_time(head)) if head else row.at
    frozen = row.kind == Kind.FROZEN or (
        head is not None and says_frozen(head) and row.kind != Kind.UNFROZEN
    )
    request = seq if row.kind == Kind.REQUEST else last_request(head) if head else 0
    note = latest + (f"{_REQUEST_MARK}{request}" if request else "")
    note += _FROZEN_MARK if frozen else ""
    moved: Anchor = yield from put(Anchor(HEAD, seq, mac, row.at, note, ""))
    return moved


def is_forged(row: Row) -> Operation[bool]:
    """Return whether the key did not make this row, or made it for another place."""
    return not (yield genuine(row))


def contradiction(head: Anchor | None, known: Head) -> Operation[str]:
    """How a trail with this genuine head contradicts what is known of it; '' when it does not.

    Rows that retention forgot are proved by the checkpoint, which takes the key.
    """
    if head is None:
        return f"it is empty, and had {known.seq} rows before"
    if head.seq < known.seq:
        return f"it ends at row {head.seq}, and had {known.seq} rows before"
    rows = yield query("SELECT mac FROM audit WHERE seq = ?", known.seq)
    if rows:
        mac = rows[0]["mac"]
    else:
        start: Anchor | None = yield from find_anchor(CHECKPOINT)
        if start is None or (yield seal(anchor_text(start))) != start.seal:
            return f"row {known.seq} is missing"
        if start.seq > known.seq:
            return ""
        mac = start.mac if start.seq == known.seq else ""
    return "" if mac == known.mac else f"row {known.seq} is not the one that stood there before"


def cut_off(head: Anchor | None) -> Operation[str]:
    """That the row which a genuine head names is not there; '' when it is.

    For a process that has seen nothing of the trail: the last row is never pruned.
    """
    return "" if head is None else (yield from contradiction(head, Head(head.seq, head.mac)))


def put(anchor: Anchor) -> Operation[Anchor]:
    """Seal an anchor and write it, in place of the one of that name."""
    done = replace(anchor, seal=(yield seal(anchor_text(anchor))))
    yield run(
        "INSERT INTO audit_anchors (name, seq, mac, at, note, seal) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, mac = excluded.mac,"
        " at = excluded.at, note = excluded.note, seal = excluded.seal",
        done.name,
        done.seq,
        done.mac,
        done.at,
        done.note,
        done.seal,
    )
    return done


def anchor_from(row: Any) -> Anchor:
    """An audit_anchors row."""
    return Anchor(row["name"], row["seq"], row["mac"], row["at"], row["note"], row["seal"])


def row_from(row: Any) -> Row:
    """An audit row."""
    return Row(
        row["seq"],
        row["at"],
        row["kind"],
        row["incident_id"],
        row["subject"],
        row["actor"],
        row["detail"],
        row["prev"],
        row["mac"],
    )


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
        """Put something on record by itself, which no other change goes with. Its number.

        StoreError when the chain was tampered with: nothing is built on that.
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
