"""A thread with one SQLite connection: operations in the order they came, in grouped commits.

Writes that queue while a commit waits for the disk share the next commit: under load one fsync
serves many. An operation that fails takes no other with it: the group is undone and run again, each
operation in its own savepoint. That is rare, and it spares every other write two statements.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from bot.errors import StoreError
from store.engines.sqlite_file import connect, explain, is_damage, is_full, is_locked, make_room
from store.engines.sqlite_watch import Watch
from store.statements import Operation, bindable
from store.topics import Topic

T = TypeVar("T")

_GROUP = 256  # operations in one commit at most, so that nobody waits long behind a storm

_Job = tuple[Callable[[], Operation[Any]], "asyncio.Future[Any]"]
_Outcome = tuple["asyncio.Future[Any]", Any, BaseException | None]


class Worker:
    """A thread with one connection that runs operations in the order they came.

    With `wake` it writes; without, it only reads. `heard` is told, on the loop, how each write
    went: what kept the file from being written, or None; and of a read, only that the file is
    damaged.
    """

    def __init__(
        self,
        path: str,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[set[Topic]], None] | None,
        busy_timeout: float,
        watch: Watch,
        heard: Callable[[StoreError | None], None],
    ) -> None:
        self._path = path
        self._watch = watch
        self._heard = heard
        self._busy_timeout = busy_timeout
        self._loop = loop
        self._wake = wake
        self._begin = "BEGIN IMMEDIATE" if wake else "BEGIN"
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"sqlite-{path}", daemon=True)
        self._ready: asyncio.Future[None] = loop.create_future()
        self._closed = False

    async def start(self) -> None:
        """Open the file; StoreError when it cannot be used."""
        self._thread.start()
        try:
            await self._ready
        except Exception:
            self._closed = True
            raise

    async def submit(self, operation: Callable[[], Operation[T]]) -> T:
        """Run it in a transaction of its own, or of its group; return once that is committed."""
        if self._closed:
            raise StoreError("The store is closed.", permanent=True)
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((operation, future))
        return await future

    async def stop(self) -> None:
        """Finish what is queued, then close the file."""
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
            if self._wake:
                self._watch.begin()
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
        failure = None
        before = connection.total_changes
        try:
            if self._wake:
                self._watch.check()
            outcomes, topics = self._run_group(connection, jobs)
            # What changed no row did not touch the disk: it says nothing of how that is.
            telling = self._wake is not None and connection.total_changes != before
        except Exception as error:  # noqa: BLE001 - all wait for an answer, and nobody else serves
            _undo(connection)
            failure = error if isinstance(error, StoreError) else explain(error, self._path)
            telling = self._wake is not None or is_damage(error)
            if is_damage(error):
                self._watch.damaged(failure)
            outcomes, topics = [(future, None, failure) for _, future in jobs], set()
        if telling:
            self._loop.call_soon_threadsafe(self._heard, failure)
        self._loop.call_soon_threadsafe(self._settle, outcomes, topics)

    def _run_group(
        self, connection: sqlite3.Connection, jobs: list[_Job]
    ) -> tuple[list[_Outcome], set[Topic]]:
        try:
            return self._all_or_nothing(connection, jobs)
        except sqlite3.Error as error:
            if is_locked(error):
                raise  # everybody has waited long enough; the second way would wait once more
            if is_full(error):
                make_room(connection)
        except Exception:  # noqa: BLE001, S110 - whose fault it was, the second way finds out
            pass
        return self._one_by_one(connection, jobs)

    def _all_or_nothing(
        self, connection: sqlite3.Connection, jobs: list[_Job]
    ) -> tuple[list[_Outcome], set[Topic]]:
        """Run the group in one transaction; whatever fails, nothing of it happened."""
        topics: set[Topic] = set()
        try:
            connection.execute(self._begin)
            outcomes: list[_Outcome] = [
                (future, _drive(connection, operation(), topics), None)
                for operation, future in jobs
            ]
            connection.execute("COMMIT")
        except BaseException:
            _undo(connection)
            raise
        return outcomes, topics

    def _one_by_one(
        self, connection: sqlite3.Connection, jobs: list[_Job]
    ) -> tuple[list[_Outcome], set[Topic]]:
        """Run the group again, still in one transaction: a failure is its caller's alone.

        sqlite3.Error when it is the file's: then nothing of the group happened.
        """
        topics: set[Topic] = set()
        connection.execute(self._begin)
        outcomes: list[_Outcome] = [
            (future, *self._attempt(connection, operation(), topics)) for operation, future in jobs
        ]
        connection.execute("COMMIT")
        return outcomes, topics

    def _attempt(
        self, connection: sqlite3.Connection, operation: Operation[Any], topics: set[Topic]
    ) -> tuple[Any, BaseException | None]:
        connection.execute("SAVEPOINT one")
        told: set[Topic] = set()
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
        topics: set[Topic],
    ) -> None:
        if topics and self._wake:
            self._wake(topics)  # first: whom this wakes need not wait until the callers are done
        for future, result, error in outcomes:
            if future.done():
                continue  # the caller was cancelled; what it wrote stands
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)


# What SQLite says of one statement and its values, not of the file.
_ITS_OWN_FAULT = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
)


def _undo(connection: sqlite3.Connection) -> None:
    """Leave the transaction, if SQLite has not left it by itself."""
    with suppress(sqlite3.Error):  # what made it fail may make this fail too; the next BEGIN says
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _drive(connection: sqlite3.Connection, operation: Operation[T], topics: set[Topic]) -> T:
    """Run an operation to its end on this connection."""
    answer: Any = None
    try:
        while True:
            statement = operation.send(answer)
            if statement.wants == "notify":
                topics.add(Topic(statement.sql))
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
