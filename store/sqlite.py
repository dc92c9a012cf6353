"""SQLite from asyncio: one writer thread, one connection, grouped commits; a second one reads.

Writes that queue while a commit waits for the disk share the next commit: under load one fsync
serves many. An operation that fails takes no other with it: the group is undone and run again, each
operation in its own savepoint. That is rare, and it spares every other write two statements.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

from bot.errors import StoreError
from store.clocks import system_clock
from store.sqlite_file import SCHEMA, claimed, connect, explain
from store.statements import Operation, bindable

P = ParamSpec("P")
T = TypeVar("T")


_GROUP = 256  # operations in one commit at most, so that nobody waits long behind a storm


class SqliteEngine:
    """The `Engine` of store.contract over one SQLite file, or ':memory:'.

    `busy_timeout` is how long another process may hold the file before a write gives up, in
    seconds. `exclusive`: see `open_store`.
    """

    schema_query = SCHEMA

    def __init__(self, path: str, *, busy_timeout: float = 10.0, exclusive: bool = False) -> None:
        self._path = path
        self.alone = exclusive or path == ":memory:"
        self._exclusive = exclusive and path != ":memory:"
        self._claim = ExitStack()
        self._loop = asyncio.get_running_loop()
        self._signals: dict[str, asyncio.Event] = {}
        self._writer = _Worker(path, self._loop, self._wake, busy_timeout)
        # An in-memory database is its connection, so there the writer reads as well.
        self._reader = (
            self._writer if path == ":memory:" else _Worker(path, self._loop, None, busy_timeout)
        )

    async def start(self) -> None:
        """Open the file, check it, bring its schema up to date. StoreError says what is wrong."""
        if self._exclusive:
            self._claim.enter_context(claimed(self._path))
        try:
            await self._writer.start()
            if self._reader is not self._writer:
                await self._reader.start()
        except BaseException:
            self._claim.close()
            raise

    @property
    def clock(self) -> Callable[[], datetime]:
        """This machine's: a file is on one."""
        return system_clock

    def signal(self, topic: str) -> asyncio.Event:
        """See Engine.signal."""
        return self._signals.setdefault(topic, asyncio.Event())

    def _wake(self, topics: set[str]) -> None:
        for topic in topics:
            self.signal(topic).set()

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
        await self._reader.stop()
        if self._reader is not self._writer:
            await self._writer.stop()
        self._claim.close()


_Job = tuple[Callable[[], Operation[Any]], "asyncio.Future[Any]"]
_Outcome = tuple["asyncio.Future[Any]", Any, BaseException | None]


class _Worker:
    """A thread with one connection that runs operations in the order they came.

    With `wake` it writes; without, it only reads.
    """

    def __init__(
        self,
        path: str,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[set[str]], None] | None,
        busy_timeout: float,
    ) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._loop = loop
        self._wake = wake
        self._begin = "BEGIN IMMEDIATE" if wake else "BEGIN"
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"sqlite-{path}", daemon=True)
        self._ready: asyncio.Future[None] = loop.create_future()
        self._closed = False

    async def start(self) -> None:
        self._thread.start()
        try:
            await self._ready
        except Exception:
            self._closed = True
            raise

    async def submit(self, operation: Callable[[], Operation[T]]) -> T:
        if self._closed:
            raise StoreError("The store is closed.")
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((operation, future))
        return await future

    async def stop(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._thread.ident is None:
            return  # never started: the other worker could not open the file
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            connection = connect(self._path, self._busy_timeout, writes=self._wake is not None)
        except Exception as error:  # noqa: BLE001 - start() waits for whatever it is
            self._loop.call_soon_threadsafe(self._ready.set_exception, error)
            return
        self._loop.call_soon_threadsafe(self._ready.set_result, None)
        try:
            while (jobs := self._next_group()) is not None:
                self._serve(connection, jobs)
        finally:
            connection.close()

    def _next_group(self) -> list[_Job] | None:
        """The jobs that wait now, at least one; None when it is time to stop."""
        job = self._jobs.get()
        if job is None:
            return None
        jobs = [job]
        while len(jobs) < _GROUP:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is None:
                self._jobs.put(None)  # serve what came before, stop at the next turn
                break
            jobs.append(job)
        return jobs

    def _serve(self, connection: sqlite3.Connection, jobs: list[_Job]) -> None:
        try:
            outcomes, topics = self._all_or_nothing(connection, jobs)
        except Exception:  # noqa: BLE001 - whose fault it was, the second way finds out
            outcomes, topics = self._one_by_one(connection, jobs)
        self._loop.call_soon_threadsafe(self._settle, outcomes, topics)

    def _all_or_nothing(
        self, connection: sqlite3.Connection, jobs: list[_Job]
    ) -> tuple[list[_Outcome], set[str]]:
        """Run the group in one transaction; whatever fails, nothing of it happened."""
        topics: set[str] = set()
        try:
            connection.execute(self._begin)
            outcomes: list[_Outcome] = [
                (future, _drive(connection, operation(), topics), None)
                for operation, future in jobs
            ]
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcomes, topics

    def _one_by_one(
        self, connection: sqlite3.Connection, jobs: list[_Job]
    ) -> tuple[list[_Outcome], set[str]]:
        """Run the group again, still in one transaction: a failure is its caller's alone."""
        topics: set[str] = set()
        outcomes: list[_Outcome] = []
        try:
            connection.execute(self._begin)
            for operation, future in jobs:
                outcomes.append((future, *self._attempt(connection, operation(), topics)))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            failure = explain(error, self._path)
            return [(future, None, failure) for _, future in jobs], set()
        return outcomes, topics

    def _attempt(
        self, connection: sqlite3.Connection, operation: Operation[Any], topics: set[str]
    ) -> tuple[Any, BaseException | None]:
        connection.execute("SAVEPOINT one")
        told: set[str] = set()
        try:
            result = _drive(connection, operation, told)
        except _ITS_OWN_FAULT as error:
            connection.execute("ROLLBACK TO one")
            connection.execute("RELEASE one")
            what = f"The store {self._path} refused one change: {error}."
            return None, StoreError(what, permanent=True)
        except sqlite3.Error:
            raise  # the disk, not the operation: the whole group failed
        except Exception as error:  # noqa: BLE001 - a refusal or a bug is its caller's alone
            connection.execute("ROLLBACK TO one")
            connection.execute("RELEASE one")
            return None, error
        connection.execute("RELEASE one")
        topics |= told
        return result, None

    def _settle(
        self,
        outcomes: list[_Outcome],
        topics: set[str],
    ) -> None:
        for future, result, error in outcomes:
            if future.done():
                continue  # the caller was cancelled; what it wrote stands
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        if topics and self._wake:
            self._wake(topics)


# What SQLite says of one statement and its values, not of the file.
_ITS_OWN_FAULT = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
)


def _drive(connection: sqlite3.Connection, operation: Operation[T], topics: set[str]) -> T:
    """Run an operation to its end on this connection."""
    answer: Any = None
    try:
        while True:
            statement = operation.send(answer)
            if statement.wants == "notify":
                topics.add(statement.sql)
                answer = None
            elif statement.wants == "lock":
                answer = None  # nobody else writes now
            else:
                cursor = connection.execute(statement.sql, bindable(statement.parameters))
                if statement.wants == "rows":
                    answer = cursor.fetchall()
                else:
                    answer = cursor.rowcount if statement.wants == "count" else None
    except StopIteration as end:
        result: T = end.value
        return result
