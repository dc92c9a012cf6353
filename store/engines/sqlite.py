"""SQLite from asyncio: one connection writes, a second one reads; see `sqlite_worker`.

While the file cannot be written every change is refused. Each change tries the file again, so a
repair from outside (room on the disk, a restored file) needs no restart.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

from bot.errors import StoreError
from store.engines.clocks import system_clock
from store.engines.read_ahead import ReadAhead
from store.engines.sqlite_file import SIZE, claimed
from store.engines.sqlite_schema import SCHEMA
from store.engines.sqlite_watch import Inspection, Watch
from store.engines.sqlite_worker import Worker
from store.statements import Operation
from store.topics import Topic

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

REMIND = 60.0  # seconds until the log says again that the store takes no writes


class SqliteEngine:
    """The `Engine` of store.engines.protocol over one SQLite file, or ':memory:'.

    `busy_timeout` is how long another process may hold the file before a write gives up, in
    seconds: Slack waits three for its answer, and a look at the store's health ten. `exclusive`:
    see `open_store`. `signal(Topic.STORE)` is set whenever it ceases, or begins again, to take
    writes.
    """

    name = "sqlite"
    schema_query = SCHEMA
    size_query = SIZE

    def __init__(self, path: str, *, busy_timeout: float = 4.0, exclusive: bool = False) -> None:
        self._path = path
        self.alone = exclusive or path == ":memory:"
        self._exclusive = exclusive and path != ":memory:"
        self._claim = ExitStack()
        self._loop = asyncio.get_running_loop()
        self._signals: dict[Topic, asyncio.Event] = {}
        self._trouble: StoreError | None = None
        self._troubled_at = self._logged_at = 0.0
        self._watch = Watch(path)
        self._inspection: Inspection | None = None
        work = partial(
            Worker,
            path,
            self._loop,
            busy_timeout=busy_timeout,
            watch=self._watch,
            on_result=self._on_result,
        )
        self._writer = work(wake=self._wake)
        # An in-memory database is its connection, so there the writer reads as well.
        self._reader = self._writer if path == ":memory:" else work(wake=None)

    async def start(self) -> None:
        """Open the file, check it, bring its schema up to date. StoreError says what is wrong."""
        if self._exclusive:
            self._claim.enter_context(claimed(self._path))
        try:
            await self._writer.start()
            if self._reader is not self._writer:
                await self._reader.start()
                self._inspection = Inspection(self._path, self._is_damaged)
                self._inspection.start()
        except BaseException:
            await self.close()
            raise

    @property
    def clock(self) -> Callable[[], datetime]:
        """Return this machine's time: a file is on one machine."""
        return system_clock

    def signal(self, topic: Topic) -> asyncio.Event:
        """See Engine.signal."""
        return self._signals.setdefault(topic, asyncio.Event())

    def read_ahead(self, ahead: ReadAhead[Any]) -> None:
        """See Engine.read_ahead."""
        self._writer.ahead = ahead

    def _wake(self, topics: set[Topic]) -> None:
        for topic in topics:
            self.signal(topic).set()

    def _on_result(self, failure: StoreError | None) -> None:
        """Log the outcome of a write: a line when writes begin to fail, one a minute, one after."""
        now = time.monotonic()
        before, self._trouble = self._trouble, failure
        if (failure is None) != (before is None):
            self._troubled_at = now if failure else self._troubled_at
            self.signal(Topic.STORE).set()
        if failure is None:
            if before:
                took = now - self._troubled_at
                log.warning("the store %s takes changes again after %.0f s", self._path, took)
        elif str(failure) != str(before) or now - self._logged_at >= REMIND:
            self._logged_at = now
            log.error("the store takes no changes: %s", failure)

    def _is_damaged(self, error: StoreError) -> None:
        """The inspection found damage; called from its thread."""
        self._watch.damaged(error)
        self._loop.call_soon_threadsafe(self._on_result, error)

    async def write(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Engine.write."""
        return await self._writer.submit(partial(operation, *args, **kwargs))

    async def read(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Engine.read."""
        return await self._reader.submit(partial(operation, *args, **kwargs))

    async def close(self) -> None:
        """See Engine.close."""
        if self._inspection:
            await asyncio.to_thread(self._inspection.stop)
        await self._reader.stop()
        if self._reader is not self._writer:
            await self._writer.stop()
        self._claim.close()
