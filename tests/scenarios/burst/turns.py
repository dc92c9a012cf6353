"""A store whose every answer takes a fixed number of turns of the event loop, and no time.

With threads or a server, how often the loop turns while the store works depends on the machine.
Here it does not, so a loop that only runs in circles when answers come in a certain order does so
each time. It counts what it is asked, and when.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

from store.engines.read_ahead import ReadAhead
from store.engines.sqlite_file import SIZE, connect
from store.engines.sqlite_groups import drive
from store.engines.sqlite_schema import SCHEMA
from store.statements import Operation
from store.topics import Topic

P = ParamSpec("P")
T = TypeVar("T")


class TurnsEngine:
    """An engine of the store in memory, on this thread; `turns` is its latency."""

    name = "sqlite"
    schema_query = SCHEMA
    size_query = SIZE
    alone = True

    def __init__(self, turns: int, clock: Callable[[], datetime]) -> None:
        self.turns = turns
        self.clock = clock
        self.calls: Counter[tuple[float, str]] = Counter()
        """The count of each operation at each instant of the loop's time."""
        self.notified: Counter[float] = Counter()
        """The number of commits that woke somebody at each instant."""
        self._connection = connect(":memory:", 1.0, writes=True)
        self._signals: dict[Topic, asyncio.Event] = {}

    def signal(self, topic: Topic) -> asyncio.Event:
        """See Engine.signal."""
        return self._signals.setdefault(topic, asyncio.Event())

    def read_ahead(self, ahead: ReadAhead[Any]) -> None:
        """See Engine.read_ahead: there is no disk to wait for."""

    async def write(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Engine.write."""
        topics: set[Topic] = set()
        inner = args[0] if args and isinstance(args[0], partial) else operation
        result = await self._run(partial(operation, *args, **kwargs), _name(inner), topics)
        self.notified[asyncio.get_running_loop().time()] += bool(topics)
        for topic in topics:
            self.signal(topic).set()
        return result

    async def read(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Engine.read."""
        return await self._run(partial(operation, *args, **kwargs), _name(operation), set())

    async def close(self) -> None:
        """See Engine.close."""
        self._connection.close()

    async def _run(self, operation: Callable[[], Operation[T]], name: str, topics: set[Topic]) -> T:
        self.calls[asyncio.get_running_loop().time(), name] += 1
        for _ in range(self.turns // 2):
            await asyncio.sleep(0)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = drive(self._connection, operation(), topics)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        for _ in range(self.turns - self.turns // 2):
            await asyncio.sleep(0)
        return result

    def per_instant(self, name: str) -> dict[float, int]:
        """The number of calls of one operation at each instant."""
        return {at: n for (at, request), n in self.calls.items() if request == name}


def _name(operation: object) -> str:
    function = operation.func if isinstance(operation, partial) else operation
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__name__', '')}"
