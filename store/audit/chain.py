"""Checks an audit trail row by row, and describes the first faulty row."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable

from store.audit.proof.rows import (
    CHECKPOINT,
    DAY,
    FIRST,
    HEAD,
    Anchor,
    Fault,
    Row,
    anchor_text,
    body_text,
    link_text,
    mac_of,
    same,
)
from store.operations import trail_end
from store.operations.audit_kinds import Kind

_WINDOW = 10_000  # rows: a row that was moved further is not recognised as moved


def is_genuine(key: bytes, row: Row) -> bool:
    """Return whether the key made this row for this place."""
    link = link_text(row.seq, row.prev, mac_of(key, body_text(row)))
    return same(mac_of(key, link), row.mac)


class Chain:
    """Checks a chain row by row, from the first kept row to the last. Raises Fault.

    `anchors` are all that the store has; `wanted` is the mac of a row that must be part of it.
    `count`, `seq` and `mac` are those of the last checked row.
    """

    def __init__(self, key: bytes, anchors: Iterable[Anchor], *, expected_head: str = "") -> None:
        self._key = key
        all_of_them = list(anchors)
        self._forged = [anchor for anchor in all_of_them if not self._is_sealed(anchor)]
        self._all_forged = len(self._forged) == len(all_of_them)
        self._anchors = {anchor.name: anchor for anchor in all_of_them if _is_whole(anchor)}
        self._days: defaultdict[int, list[Anchor]] = defaultdict(list)
        for name, anchor in self._anchors.items():
            if name.startswith(DAY):
                self._days[anchor.seq].append(anchor)
        self._expected_head = expected_head
        start = self._anchors.get(CHECKPOINT)
        self.seq = start.seq if start else 0
        self.mac = start.mac if start else FIRST
        self.count = 0
        self._is_found = False
        self.frozen: Row | None = None
        """The row by which everything is frozen, at the row it is at."""
        self.frozen_scopes: dict[str, int] = {}
        """The incidents and targets that are frozen at the row it is at, each with its row."""
        self._targets: dict[str, str] = {}  # of the approvals
        self._dispute: Row | None = None
        self.notes: list[str] = []
        """Findings that are no fault but worth knowing."""

    def _is_sealed(self, anchor: Anchor) -> bool:
        return _is_whole(anchor) and same(mac_of(self._key, anchor_text(anchor)), anchor.seal)

    def add(self, row: Row) -> None:
        """Check the next row, in the order of the numbers."""
        if not _is_whole(row):
            raise Fault(
                self.seq + 1, f"row {self.seq + 1} was edited: it has values of other kinds"
            )
        genuine = is_genuine(self._key, row)
        self._accuse(fits=genuine)
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
        self._is_found = self._is_found or row.mac == self._expected_head
        self._follow_freezes(row)
        if row.kind == Kind.CLOCK_MOVED_BACK:
            self.notes.append(f"row {row.seq}: the clock had been moved back; no row was altered")
        if row.kind == Kind.BEGUN_ANEW:
            reason = json.loads(row.detail)["reason"]
            self.notes.append(f"row {row.seq}: the trail was begun anew here: {reason}")
        if row.kind == Kind.DISPUTED:
            self._dispute = self._dispute or row
        for day in self._days.pop(row.seq, ()):
            if day.mac != row.mac:
                raise Fault(row.seq, f"row {row.seq} is not the one that stood there at {day.at}")

    def _follow_freezes(self, row: Row) -> None:
        if row.kind in (Kind.FROZEN, Kind.UNFROZEN):
            self.frozen = row if row.kind == Kind.FROZEN else None
        elif row.kind == Kind.REQUEST and self.frozen:
            raise Fault(row.seq, trail_end.sent_while_frozen(row.seq, self.frozen.seq))
        self._follow_scopes(row)

    def _follow_scopes(self, row: Row) -> None:
        """Raise Fault for a request of an incident or a target that is frozen."""
        if row.kind == Kind.SCOPE_FROZEN:
            self.frozen_scopes[row.subject] = row.seq
        elif row.kind == Kind.SCOPE_UNFROZEN:
            self.frozen_scopes.pop(row.subject, None)
        elif row.kind == Kind.PROPOSED:
            self._targets[row.subject] = str(json.loads(row.detail).get("target", ""))
        elif row.kind == Kind.REQUEST and self.frozen_scopes:
            target = self._targets.get(row.subject, "")
            for scope in (f"incident:{row.incident_id}", f"target:{target}"):
                if frozen := self.frozen_scopes.get(scope):
                    raise Fault(
                        row.seq,
                        f"row {row.seq} is a request that was sent while {scope} was frozen, by"
                        f" row {frozen}",
                    )

    def says_frozen(self) -> bool:
        """Return whether a freeze is in force at the end, also if its row was pruned."""
        head = self._anchors.get(HEAD)
        return self.frozen is not None or (head is not None and trail_end.says_frozen(head))

    def end(self) -> None:
        """Check the end of the chain, after the last row."""
        self._accuse(fits=False)
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
        last = max(self._days, default=0)
        if last > self.seq:
            at = self._days[last][0].at
            raise Fault(self.seq + 1, f"cut off at the end: at {at} there were {last} rows")
        anchored = any(anchor.mac == self._expected_head for anchor in self._anchors.values())
        if self._expected_head and not self._is_found and not anchored:
            raise Fault(
                self.seq,
                f"the head {self._expected_head} is not part of this chain: an older copy was"
                " put in its place, or that head is of another one",
            )
        if self._dispute is not None:
            raise Fault(self._dispute.seq, trail_end.disputed_text(self._dispute))

    def _accuse(self, *, fits: bool) -> None:
        """Raise Fault: an anchor was forged, or, if no anchor fits, the key is another one."""
        if not self._forged:
            return
        if not fits and not self.count and self._all_forged:
            raise Fault(0, "this is not the key that the chain was made with")
        raise Fault(0, f"the anchor {self._forged[0].name!r} was edited")

    def _wrong(self, row: Row) -> str:
        """Describe a row that the key did not make at this place."""
        if not self.count and not self._anchors:
            return "this is not the key that the chain was made with, or row 1 was edited"
        body = mac_of(self._key, body_text(row))
        for seq in range(max(1, row.seq - _WINDOW), row.seq + _WINDOW):
            if same(mac_of(self._key, link_text(seq, row.prev, body)), row.mac):
                return f"row {row.seq} is out of order: it was row {seq}"
        return f"row {row.seq} was edited"


def _is_whole(row: Row | Anchor) -> bool:
    """Return whether the values have the types that the store writes: SQLite accepts any."""
    if isinstance(row, Anchor):
        return isinstance(row.seq, int) and all(
            isinstance(value, str) for value in (row.name, row.mac, row.at, row.note, row.seal)
        )
    texts = (row.at, row.kind, row.subject, row.actor, row.detail, row.prev, row.mac)
    return (
        isinstance(row.seq, int)
        and isinstance(row.incident_id, int | None)
        and all(isinstance(value, str) for value in texts)
    )
