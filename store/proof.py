"""What proves the audit trail: a keyed hash chain. It takes the standard library and the key alone.

This file is whole by itself, so that it can be carried to wherever a proof is looked at.

Every row of the trail has a number without gaps and three things made with HMAC-SHA256 and the key:

    body = HMAC("body" ‖ at, kind, incident, subject, actor, detail)
    mac  = HMAC("link" ‖ seq, mac of the row before, body)
    seal = HMAC("anchor" ‖ name, seq, mac, at, note)            of an anchor, see below

A row that was edited has another body; a row that is missing, moved or put in breaks the link of
the next. What is cut off at the end is missed by the anchor `head`, which says where the chain
ends. Who puts back an older copy of all of it is found by the head that was posted elsewhere: it is
not in that copy. Body and link are two, so that rows can be proved to lie in between without being
shown.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass

FIRST = ""  # what the first row follows
HEAD, CHECKPOINT, DAY = "head", "checkpoint", "day/"
"""Anchors: the last row; the last row that retention forgot; where the chain stood on a day."""

_WINDOW = 10_000  # how far a row may have been moved to be recognised as moved


class Fault(Exception):
    """What is wrong with a chain, in words. `seq`: the first row at fault; 0 is none of them."""

    def __init__(self, seq: int, what: str) -> None:
        self.seq = seq
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the trail, as it stands in the store. `detail` is canonical JSON."""

    seq: int
    at: str
    kind: str
    incident_id: int | None
    subject: str
    actor: str
    detail: str
    prev: str
    mac: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """That the chain stood at row `seq`, whose mac is `mac`, at a time. `note` is for people."""

    name: str
    seq: int
    mac: str
    at: str
    note: str
    seal: str


def mac_of(key: bytes, text: str) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def canonical(value: object) -> str:
    """The one way to write a value as JSON: ASCII, sorted, compact."""
    return _CANONICAL.encode(value)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def body_text(row: Row) -> str:
    """What a row says."""
    return "body" + _CANONICAL.encode(
        [row.at, row.kind, row.incident_id, row.subject, row.actor, row.detail]
    )


def link_text(seq: int, prev: str, body: str) -> str:
    """Where it says it. `body` is the mac of `body_text`."""
    return f"link\n{seq}\n{prev}\n{body}"


def anchor_text(anchor: Anchor) -> str:
    """What an anchor says."""
    return "anchor" + _CANONICAL.encode(
        [anchor.name, anchor.seq, anchor.mac, anchor.at, anchor.note]
    )


def is_genuine(key: bytes, row: Row, *, seq: int | None = None) -> bool:
    """Whether the key made this row, at its own place or at `seq`."""
    body = mac_of(key, body_text(row))
    link = link_text(row.seq if seq is None else seq, row.prev, body)
    return hmac.compare_digest(mac_of(key, link), row.mac)


class Chain:
    """Looks at a chain row by row, from the first that is kept to the last. Raises Fault.

    `anchors` are all that the store has. `count`, `seq` and `mac` tell how far it is; `macs` are
    those that `wanted` named and that are part of it.
    """

    def __init__(self, key: bytes, anchors: Iterable[Anchor], *, wanted: str = "") -> None:
        self._key = key
        self._anchors = {anchor.name: anchor for anchor in anchors}
        self._forged = [anchor for anchor in self._anchors.values() if not self._is_sealed(anchor)]
        self._due = {a.seq: a for a in self._anchors.values() if a.name.startswith(DAY)}
        self._wanted = wanted
        start = self._anchors.get(CHECKPOINT)
        self.seq = start.seq if start else 0
        self.mac = start.mac if start else FIRST
        self.count = 0
        self.found = False
        self.clock_moved: list[int] = []
        """Rows by which the clock had been moved back."""

    def _is_sealed(self, anchor: Anchor) -> bool:
        return _is_whole(anchor) and hmac.compare_digest(
            mac_of(self._key, anchor_text(anchor)), anchor.seal
        )

    def add(self, row: Row) -> None:
        """The next row, in the order of the numbers."""
        if not _is_whole(row):
            raise Fault(
                self.seq + 1, f"row {self.seq + 1} was edited: it has values of other kinds"
            )
        genuine = is_genuine(self._key, row)
        self._accuse(row if not genuine else None)
        if row.seq != self.seq + 1:
            raise Fault(self.seq + 1, f"row {self.seq + 1} is missing: row {row.seq} comes instead")
        if not genuine:
            raise Fault(row.seq, self._wrong(row))
        if row.prev != self.mac:
            raise Fault(
                row.seq, f"row {row.seq} is out of order: it does not follow the one before it"
            )
        self.count += 1
        self.seq, self.mac = row.seq, row.mac
        self.found = self.found or row.mac == self._wanted
        if row.kind == "clock moved back":
            self.clock_moved.append(row.seq)
        day = self._due.get(row.seq)
        if day and day.mac != row.mac:
            raise Fault(row.seq, f"row {row.seq} is not the one that stood there at {day.at}")

    def end(self) -> None:
        """That was the last row."""
        self._accuse(None)
        head = self._anchors.get(HEAD)
        if head is None:
            if self.seq or self._anchors:
                raise Fault(
                    self.seq, "the anchor 'head' is missing: where the chain ends is not known"
                )
        elif head.seq > self.seq:
            raise Fault(
                self.seq + 1,
                f"cut off at the end: rows {self.seq + 1} to {head.seq} are missing",
            )
        elif (head.seq, head.mac) != (self.seq, self.mac):
            raise Fault(
                head.seq + 1, f"the anchor 'head' is an older one: it ends at row {head.seq}"
            )
        last = max(self._due.values(), key=lambda day: day.seq, default=None)
        if last and last.seq > self.seq:
            raise Fault(
                self.seq + 1, f"cut off at the end: at {last.at} there were {last.seq} rows"
            )
        if self._wanted and not self.found:
            if any(anchor.mac == self._wanted for anchor in self._anchors.values()):
                return
            raise Fault(
                self.seq,
                f"the head {self._wanted} is not part of this chain: an older copy was put in its"
                " place, or that head is of another one",
            )

    def _accuse(self, row: Row | None) -> None:
        """An anchor was forged; or, when nothing at all fits, the key is another one."""
        if not self._forged:
            return
        if row is not None and not self.count and len(self._forged) == len(self._anchors):
            raise Fault(0, "this is not the key that the chain was made with")
        name = self._forged[0].name
        raise Fault(
            self._forged[0].seq if _is_whole(self._forged[0]) else 0,
            f"the anchor '{name}' was edited",
        )

    def _wrong(self, row: Row) -> str:
        """How a row that the key did not make at this place came there."""
        if not self.count and not self._anchors:
            return "this is not the key that the chain was made with, or row 1 was edited"
        for seq in range(max(1, row.seq - _WINDOW), row.seq + _WINDOW):
            if is_genuine(self._key, row, seq=seq):
                return f"row {row.seq} is out of order: it was row {seq}"
        return f"row {row.seq} was edited"


def _is_whole(one: Row | Anchor) -> bool:
    """Whether its values are of the kinds that were written: SQLite takes any."""
    if isinstance(one, Anchor):
        return isinstance(one.seq, int) and all(
            isinstance(value, str) for value in (one.name, one.mac, one.at, one.note, one.seal)
        )
    texts = (one.at, one.kind, one.subject, one.actor, one.detail, one.prev, one.mac)
    return (
        isinstance(one.seq, int)
        and isinstance(one.incident_id, int | None)
        and all(isinstance(value, str) for value in texts)
    )
