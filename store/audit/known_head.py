"""The highest head of the audit trail that this process has seen, kept in its memory.

Somebody with write access to the database can delete the whole trail, or put back an older copy of
it with the anchors of then. Each row of the copy is genuine, so the key alone does not show the
change. A process that has seen a later row does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Head:
    """A row that the trail had: its number and mac."""

    seq: int
    mac: str


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """The stored rows about one request, and whether they contradict the trail.

    `turns` are its rows of the trail, `stored` is its execution with its approval, None where one
    is missing: other values have to be checked again. `previous` has the number of each genuine
    request, with that of the request before it.
    """

    turns: list[tuple[Any, ...]]
    stored: tuple[Any, ...] | None
    contradicts: bool
    previous: dict[int, int]


class CheckedRequests:
    """The requests of the last day that were checked, by approval.

    It is no statement about the present store: it only avoids proving the same values twice. So it
    may be of a transaction that was undone, and two threads may set it.
    """

    def __init__(self) -> None:
        self.checked: dict[str, CheckedRequest] = {}


class TrailView:
    """The trail as one operation knows it at its beginning, and as it finds it.

    `known` and `dispute` are older than its transaction, so the transaction sees the rows that they
    are about. An operation sets `seen` to a genuine head, and `found` to how the trail contradicts
    `known`. Both count only once the transaction is durable.
    """

    __slots__ = ("dispute", "known", "new_dispute", "requests", "seen")

    def __init__(
        self,
        known: Head | None = None,
        dispute: str = "",
        requests: CheckedRequests | None = None,
    ) -> None:
        self.known = known
        self.dispute = dispute
        self.requests = requests or CheckedRequests()
        self.begin()

    def begin(self) -> None:
        """Forget what an earlier run of the operation learned: it was undone."""
        self.seen: Head | None = None
        self.new_dispute = ""


class KnownHead:
    """The trail as a process knows it. A dispute stays for as long as the process lives."""

    def __init__(self) -> None:
        self._head: Head | None = None
        self._dispute = ""
        self._requests = CheckedRequests()

    def view(self) -> TrailView:
        """The knowledge of an operation that begins now."""
        return TrailView(self._head, self._dispute, self._requests)

    def learn(self, view: TrailView) -> None:
        """Keep what a finished operation learned."""
        self._dispute = self._dispute or view.new_dispute
        seen = view.seen
        if seen and not self._dispute and (self._head is None or seen.seq > self._head.seq):
            self._head = seen
