"""The end of the audit trail: its anchors, and whether it contradicts a known head."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, NamedTuple

from bot.errors import StoreError
from store.audit.known_head import Head
from store.audit.proof.rows import CHECKPOINT, HEAD, Anchor, Row, anchor_text
from store.operations.audit_kinds import Kind
from store.statements import Operation, genuine, query, run, seal

_FROZEN_MARK, _REQUEST_MARK = " frozen", " request "


class End(NamedTuple):
    """The end of the chain as it is stored, and whether the key made it; no head is not genuine.

    Use it only within the transaction that read it.
    """

    head: Anchor | None
    genuine: bool


def find_end() -> Operation[End]:
    """Return the end of the chain, genuine or not."""
    end: End = yield from end_of((yield from find_anchor(HEAD)))
    return end


def end_of(head: Anchor | None) -> Operation[End]:
    """Return the end of the chain with this stored head."""
    return End(head, head is not None and (yield seal(anchor_text(head))) == head.seal)


def end_of_chain() -> Operation[Anchor | None]:
    """Return the end of the chain; None if it is empty.

    The head's `note` is the latest time seen, the number of the last request, and whether
    everything is frozen. So a freeze or an execution that somebody deletes from the store, and from
    the trail, still shows here.
    """
    head: Anchor | None = yield from sealed_anchor(HEAD)
    return head


def note_after(head: Anchor | None, kind: str, at: str, seq: int) -> str:
    """Return the note of the new head after a row of this kind at number `seq`."""
    latest = max(at, latest_time(head)) if head else at
    request = seq if kind == Kind.REQUEST else last_request(head) if head else 0
    was_frozen = head is not None and says_frozen(head)
    is_frozen = kind == Kind.FROZEN or (was_frozen and kind != Kind.UNFROZEN)
    return (
        latest
        + (f"{_REQUEST_MARK}{request}" if request else "")
        + (_FROZEN_MARK if is_frozen else "")
    )


def latest_time(head: Anchor) -> str:
    """Return the latest time of the chain's rows."""
    return head.note.partition(" ")[0]


def last_request(head: Anchor) -> int:
    """Return the number of the last row that is a request; 0 if there is none."""
    number = head.note.removesuffix(_FROZEN_MARK).partition(_REQUEST_MARK)[2]
    return int(number) if number else 0


def says_frozen(head: Anchor) -> bool:
    """Return whether everything is frozen at the end of the chain."""
    return head.note.endswith(_FROZEN_MARK)


def sent_while_frozen(request: int, frozen: int) -> str:
    """Describe a request that was sent during a freeze, by the numbers of both rows."""
    return f"row {request} is a request that was sent while everything was frozen, by row {frozen}"


def disputed_text(row: Row) -> str:
    """Describe the fault that a running bot found and recorded in this row."""
    return (
        f"a bot that was running found, by row {row.seq}, that this is not the trail that it had"
        f" seen: {json.loads(row.detail)['why']}"
    )


def sealed_anchor(name: str) -> Operation[Anchor | None]:
    """Return an anchor; None if there is none. StoreError if the key did not make it."""
    anchor: Anchor | None = yield from find_anchor(name)
    if anchor is not None and (yield seal(anchor_text(anchor))) != anchor.seal:
        raise StoreError(
            "The audit trail was tampered with, or AUDIT_KEY is not the key that it was made with.",
            permanent=True,
            remedy="`python -m bot audit verify` says what is wrong.",
        )
    return anchor


def find_anchor(name: str) -> Operation[Anchor | None]:
    """Return an anchor as it is stored, genuine or not."""
    rows = yield query("SELECT * FROM audit_anchors WHERE name = ?", name)
    return anchor_from(rows[0]) if rows else None


def is_forged(row: Row) -> Operation[bool]:
    """Return whether the key did not make this row, or made it for another place."""
    return not (yield genuine(row))


def contradiction(head: Anchor | None, known: Head) -> Operation[str]:
    """Return how a trail with this genuine head contradicts the known head; '' if it does not.

    The checkpoint, which takes the key, proves that retention pruned a row that is missing.
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
    """Return that the trail lacks the row that its genuine head names; '' if it has it.

    A process that has not seen the trail before checks this: retention never prunes the last row.
    """
    return "" if head is None else (yield from contradiction(head, Head(head.seq, head.mac)))


def put(anchor: Anchor) -> Operation[Anchor]:
    """Seal an anchor and write it over the one of that name."""
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
    """Return a row of audit_anchors as an anchor."""
    return Anchor(row["name"], row["seq"], row["mac"], row["at"], row["note"], row["seal"])


def row_from(row: Any) -> Row:
    """Return a row of the audit table as a row of the trail."""
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
