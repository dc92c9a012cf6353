"""Reads for a step before the commit that wakes it, while it would otherwise wait for the disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from store.statements import Operation
from store.topics import Topic

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """One step's read in the transaction that wakes it.

    An engine may run what `operation` returns in a transaction that notifies `topic`, after its
    changes; None means that there is nothing to read now. It calls `on_read` with the result when
    the commit begins: the step may prepare what it will do, and must do nothing yet, because the
    commit may fail. An engine that cannot do so never has a result.
    """

    def __init__(
        self,
        topic: Topic,
        operation: Callable[[], Operation[T] | None],
        on_read: Callable[[T], None],
    ) -> None:
        self.topic = topic
        self.operation = operation
        self.on_read = on_read
        self._result: T | None = None

    def take(self) -> T | None:
        """Return the result once, from its commit until the next transaction begins; else None.

        So it is what a read would return now.
        """
        result, self._result = self._result, None
        return result

    def committed(self, result: T) -> None:
        """Keep the result: its transaction is durable."""
        self._result = result

    def forget(self) -> None:
        """Drop the result: another transaction begins."""
        self._result = None
