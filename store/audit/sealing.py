"""The key of the audit trail, and how an operation has something sealed without ever seeing it.

An operation yields `seal(text)` as it yields statements; what is sent back is the text's mac. To
`genuine(row)` it is sent whether the key made that row. Both are answered here, before the engine
hears of them, so the key is in neither the engine nor the database. So is `log_event(…)`, which is
kept until the transaction is durable (`store.log_events`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, TypeVar

from bot.errors import StoreError
from store.audit.known_head import TrailView
from store.audit.proof.rows import Row, is_genuine, mac_of
from store.log_events import LogEvent
from store.statements import Operation

T = TypeVar("T")

ROWS_KEPT = 2048  # of the trail, whose proof is kept: those of some 500 requests


class AuditKey:
    """The key of the audit trail. Nothing prints it."""

    __slots__ = ("_key", "made")

    def __init__(self, text: str) -> None:
        self._key = text.encode()
        # Rows are never edited, and every click reads those of the last day: each is proved once.
        # An edited row is another row.
        self.made: Callable[[Row], bool] = lru_cache(ROWS_KEPT)(partial(is_genuine, self._key))
        """True if the key made a row of the trail."""

    def __repr__(self) -> str:
        return "AuditKey(…)"

    @property
    def raw(self) -> bytes:
        """For `store.audit.proof`."""
        return self._key

    def mac(self, text: str) -> str:
        """HMAC-SHA256 in hex."""
        return mac_of(self._key, text)


def sealed(
    operation: Callable[[], Operation[T]],
    key: AuditKey | None,
    events: list[LogEvent] | None = None,
    trail: TrailView | None = None,
) -> Operation[T]:
    """The operation, with what it wants sealed sealed by this key.

    Without a key StoreError: what cannot be recorded is not done. Its log events are put into
    `events`, in place of those of an earlier run that was undone, and so is what it learned of the
    trail into `trail`.
    """
    view = TrailView() if trail is None else trail
    view.begin()
    log_events: list[LogEvent] = [] if events is None else events
    log_events.clear()
    at_end: list[Callable[[], Operation[Any]]] = []
    result: T = yield from _answered(operation(), key, log_events, view, at_end)
    for late in at_end:
        yield from _answered(late(), key, log_events, view, at_end)
    return result


def _answered(
    running: Operation[T],
    key: AuditKey | None,
    log_events: list[LogEvent],
    view: TrailView,
    at_end: list[Callable[[], Operation[Any]]],
) -> Operation[T]:
    """The operation, with what is not for the engine answered here."""
    answer: Any = None
    try:
        while True:
            statement = running.send(answer)
            if statement.wants == "at end":
                at_end.append(statement.parameters[0])
                answer = None
            elif statement.wants == "log":
                log_events.extend(statement.parameters)
                answer = None
            elif statement.wants == "recall":
                answer = view
            elif statement.wants not in ("seal", "genuine"):
                answer = yield statement
            elif key is None:
                raise StoreError(
                    "This needs the key of the audit trail, which is not here.",
                    permanent=True,
                    remedy="Set AUDIT_KEY.",
                )
            elif statement.wants == "genuine":
                answer = key.made(statement.parameters[0])
            else:
                answer = key.mac(statement.sql)
    except StopIteration as end:
        result: T = end.value
        return result
