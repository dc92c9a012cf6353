"""Runs a group of operations on an SQLite connection: one transaction, each fails alone.

If one operation fails, the group is rolled back and run again, each operation in its own savepoint,
so no other operation fails with it. Failures are rare, and without savepoints every other write
needs two statements fewer.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.errors import StoreError
from store.engines.sqlite_file import is_full, is_interrupted, is_locked, make_room
from store.statements import Operation, bindable
from store.topics import Topic

T = TypeVar("T")

Job = tuple[Callable[[], Operation[Any]], "asyncio.Future[Any]"]
Outcome = tuple["asyncio.Future[Any]", Any, BaseException | None]


@dataclass(slots=True)
class Group:
    """Operations that share a commit, and the results of those that ran."""

    jobs: list[Job]
    outcomes: list[Outcome] = field(default_factory=list)
    topics: set[Topic] = field(default_factory=set)
    read_ahead: Any = None  # what was read for the step that the commit wakes

    def run_next(self, connection: sqlite3.Connection) -> bool:
        """Run the next operation; return whether another one is left.

        Its error fails the whole group.
        """
        operation, future = self.jobs[len(self.outcomes)]
        self.outcomes.append((future, drive(connection, operation(), self.topics), None))
        return len(self.outcomes) < len(self.jobs)

    def fail(self, error: BaseException) -> None:
        """Give this error to all callers."""
        self.outcomes = [(future, None, error) for _, future in self.jobs]
        self.topics = set()

    def answer(self) -> None:
        """Give its outcome to each caller that still waits; what a cancelled one wrote stands."""
        for future, result, error in self.outcomes:
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)


class Runner:
    """Runs whole groups on one connection."""

    def __init__(self, connection: sqlite3.Connection, path: str, begin: str) -> None:
        self._connection = connection
        self._path = path
        self._begin = begin

    def run(self, jobs: list[Job], failure: Exception | None) -> Group:
        """Run these in one transaction and commit.

        `failure` is what ended a first try. sqlite3.Error when the file is at fault: then nothing
        of the group happened.
        """
        if failure is None or is_interrupted(failure):
            try:
                return self._all_or_nothing(jobs)
            except Exception as error:  # noqa: BLE001 - the second way finds out whose fault it was
                failure = error
        if is_locked(failure):
            raise failure  # the callers have waited long enough; a second run would wait once more
        if is_full(failure):
            make_room(self._connection)
        return self._one_by_one(jobs)

    def _all_or_nothing(self, jobs: list[Job]) -> Group:
        """Run the group in one transaction; if anything fails, all of it is rolled back."""
        group = Group(jobs)
        try:
            self._connection.execute(self._begin)
            while group.run_next(self._connection):
                pass
            self._connection.execute("COMMIT")
        except BaseException:
            undo(self._connection)
            raise
        return group

    def _one_by_one(self, jobs: list[Job]) -> Group:
        """Run the group in one transaction, where a failing operation fails alone."""
        group = Group(jobs)
        self._connection.execute(self._begin)
        for operation, future in jobs:
            group.outcomes.append((future, *self._attempt(operation(), group.topics)))
        self._connection.execute("COMMIT")
        return group

    def _attempt(
        self, operation: Operation[Any], topics: set[Topic]
    ) -> tuple[Any, BaseException | None]:
        connection = self._connection
        connection.execute("SAVEPOINT one")
        its_topics: set[Topic] = set()
        try:
            result = drive(connection, operation, its_topics)
        except _ITS_OWN_FAULT as error:
            connection.execute("ROLLBACK TO one")
            connection.execute("RELEASE one")
            text = f"The store {self._path} refused one change: {error}."
            return None, StoreError(text, permanent=True)
        except sqlite3.Error:
            raise  # the disk, not the operation: the whole group failed
        except Exception as error:  # noqa: BLE001 - a refusal or a bug is its caller's alone
            connection.execute("ROLLBACK TO one")
            connection.execute("RELEASE one")
            return None, error
        connection.execute("RELEASE one")
        topics |= its_topics
        return result, None


def undo(connection: sqlite3.Connection) -> None:
    """Leave the transaction, if SQLite has not left it by itself."""
    with suppress(sqlite3.Error):  # what made it fail may make this fail too; the next BEGIN says
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def drive(connection: sqlite3.Connection, operation: Operation[T], topics: set[Topic]) -> T:
    """Run an operation to its end on this connection."""
    answer: Any = None
    try:
        while True:
            statement = operation.send(answer)
            if statement.wants == "notify":
                topics.add(Topic(statement.sql))
                answer = None
            elif statement.wants == "lock":
                answer = None  # no other transaction writes now
            elif statement.wants == "many":
                connection.executemany(statement.sql, map(bindable, statement.parameters))
                answer = None
            else:
                cursor = connection.execute(statement.sql, bindable(statement.parameters))
                if statement.wants == "rows":
                    answer = cursor.fetchall()
                else:
                    answer = cursor.rowcount if statement.wants == "count" else None
    except StopIteration as end:
        result: T = end.value
        return result


# Errors of one statement and its values, not of the file.
_ITS_OWN_FAULT = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
)
