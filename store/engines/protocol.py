"""The interface of an engine. Both engines, and the fakes of the tests, keep these promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, ParamSpec, Protocol, TypeVar

from store.engines.read_ahead import ReadAhead
from store.statements import Operation
from store.topics import Topic

P = ParamSpec("P")
T = TypeVar("T")


class Engine(Protocol):
    """Runs operations. `write` commits before it returns; `read` changes nothing.

    `schema_query` names the migrations that the database has seen; `size_query` returns its size as
    `bytes`, without free pages; `name` is sqlite or postgresql. `alone`: no other process can
    use the database. `clock` is the time for leases: the database's own where several machines
    share it.
    """

    name: str
    schema_query: str
    size_query: str
    alone: bool

    @property
    def clock(self) -> Callable[[], datetime]:
        """Return the time that all users of this database share."""

    async def write(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run in one transaction; return once it is durable."""

    async def read(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run on a consistent view of what is committed."""

    def signal(self, topic: Topic) -> asyncio.Event:
        """An event that is set after each commit that notified `topic`."""

    def read_ahead(self, ahead: ReadAhead[Any]) -> None:
        """Let a step read before the commit that wakes it, if this engine can."""

    async def close(self) -> None:
        """Finish the queued operations, then close the database."""
