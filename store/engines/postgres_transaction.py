"""One operation as one transaction on a PostgreSQL connection, in as few trips as possible."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import psycopg

from store.engines.dialects import statement_for_libpq
from store.engines.postgres_session import Answer, Session
from store.statements import Operation, Statement, bindable
from store.topics import Topic

T = TypeVar("T")

LOCK_CLASS = 7_076_266  # "sop" as a number: no other program's advisory locks
SLOTS = 1024  # for the names of all locks

_Bound = tuple[str, Sequence[Any]]  # a statement and its values

# The first statement of a transaction. A read of one query needs none: it sees one snapshot.
WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
SHORT_READ = ""


class NotTheLastError(Exception):
    """A statement came after the one that was expected to be the last."""


class Transaction:
    """One operation on one connection. A statement that needs no answer travels with the next one.

    `begin` is its first statement; '' if the first query is expected to be the only one, which
    needs no transaction around it. After `silence` seconds without an answer it fails. `may_stand`:
    a commit was sent.
    """

    def __init__(self, session: Session, begin: str, silence: float) -> None:
        self._session = session
        self._silence = silence
        self._begin = begin
        self._begun = False
        self._ended = False
        self._unsent: list[_Bound] = []
        self.may_stand = False
        self.topics: set[Topic] = set()

    async def drive(self, operation: Operation[T]) -> T:
        """Run the operation to its end, and make it durable."""
        answer: Any = None
        ahead: dict[int, Any] = {}  # the answers to statements that travelled with another
        try:
            while True:
                statement = operation.send(answer)
                answer = None
                if statement.wants == "notify":
                    self.topics.add(Topic(statement.sql))
                    continue
                if id(statement) in ahead:
                    answer = ahead.pop(id(statement))
                    continue
                if self._ended:
                    raise NotTheLastError
                batch = (statement, *statement.with_it)
                for part in batch:
                    self._unsent += _bound(part)
                answers: Sequence[Any] = [None] * len(batch)
                if any(part.has_answer for part in batch):
                    end = batch[-1].is_last or not self._begin
                    answers = await self._send(batch, end=end)
                answer = answers[0]
                ahead.update(zip(map(id, batch[1:]), answers[1:], strict=True))
        except StopIteration as end:
            if not self._ended and (self._begun or self._unsent):
                await self._send((), end=True)
            result: T = end.value
            return result

    async def undo(self) -> None:
        """Roll back: the operation was refused, or failed."""
        if self._begun and not self._ended and not self._session.is_over:
            try:
                await self._session.run([_ROLLBACK], self._silence)
            except psycopg.Error:
                self._session.close()

    async def _send(self, batch: Sequence[Statement], *, end: bool) -> list[Any]:
        """Send the waiting statements, at the end with a commit. Returns the answers to `batch`."""
        script, self._unsent = self._unsent, []
        self._ended = end
        self.may_stand = end and self._begin == WRITE
        first = len(script) - len(batch)
        # One script is a transaction by itself; only the queries of a read need more, to see one
        # snapshot.
        if self._begun or not end or (self._begin != WRITE and len(script) > 1):
            if not self._begun:
                script.insert(0, (self._begin or READ, ()))
                first += 1
            self._begun = True
            if end:
                script.append(_COMMIT)
        answers = await self._session.run(script, self._silence)
        return [
            _sent_back(part, answers[number]) if part.has_answer else None
            for number, part in enumerate(batch, first)
        ]


def _bound(statement: Statement) -> list[_Bound]:
    if statement.wants == "lock":
        return [(_LOCK, (_slots(statement.parameters[0]()),))]
    sql = statement_for_libpq(statement.sql)
    if statement.wants == "many":
        return [(sql, bindable(row)) for row in statement.parameters]
    return [(sql, bindable(statement.parameters))]


def _sent_back(statement: Statement, answer: Answer) -> Any:
    return answer.rows() if statement.wants == "rows" else answer.count


_COMMIT: _Bound = ("COMMIT", ())
_ROLLBACK: _Bound = ("ROLLBACK", ())
_LOCK = f"SELECT pg_advisory_xact_lock({LOCK_CLASS}, slot) FROM unnest($1::int[]) AS slot"  # noqa: S608 - constant


def _slots(names: Iterable[str]) -> str:
    """The slots that the server locks for these names, in the one order that avoids deadlocks.

    A server has room for a few thousand locks of all its clients, and one delivery may have
    hundreds of names. Two names in one slot wait for each other needlessly, which does no harm.
    """
    items = {zlib.crc32(name.encode("utf-8", "backslashreplace")) % SLOTS for name in names}
    return "{" + ",".join(map(str, sorted(items))) + "}"
