"""PostgreSQL from asyncio: some sessions, a transaction an operation, LISTEN and NOTIFY.

Operations run side by side, in this process and in other replicas. What must not interleave says
so (`statements.lock`, an advisory lock until the transaction ends); where the database finds that
two got in each other's way after all, one of them is run again. A transaction that did not reach
its COMMIT is run again as well when the connection fails; one that did may stand, so its caller
hears that nobody knows.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

import psycopg
from psycopg import errors

from bot.errors import StoreError
from store.engines.clocks import DatabaseClock
from store.engines.dialects import statement_for_libpq
from store.engines.postgres_connections import (
    CHANNEL,
    NOTIFY,
    Wakeups,
    explain,
    is_lost,
    safe_name,
)
from store.engines.postgres_schema import SCHEMA, migrate
from store.engines.postgres_session import Answer, Session, connect
from store.statements import Operation, Statement, bindable
from store.topics import Topic

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

CONNECTIONS = 8  # at most, each with one transaction at a time
ATTEMPTS = 8  # of an operation that others got in the way of
SLOTS = 1024  # that all names of locks share
LOCK_CLASS = 7_076_266  # "sop" as a number: no other program's advisory locks
PATIENCE = 5.0  # seconds without an answer, or of trying again, until an operation gives up
REST = 0.1  # seconds until a connection that failed to come about is tried again
QUEUE = 30.0  # seconds that it may wait for its turn: a burst of alerts is no reason to refuse one

# Another transaction was in the way; the same operation, run again, sees what that one did. The
# last two: another replica changed the schema, or the server had to forget a prepared statement.
_AGAIN = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.UniqueViolation,
    errors.LockNotAvailable,
    errors.FeatureNotSupported,
    errors.InvalidSqlStatementName,
)
_ITS_OWN_FAULT = (
    errors.IntegrityError,
    errors.DataError,
    errors.ProgrammingError,
    errors.ProgramLimitExceeded,
)


_Bound = tuple[str, Sequence[Any]]  # a statement and its values

# How a transaction begins. A read of one query needs none: a statement sees one moment.
_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SHORT_READ = ""


class PostgresEngine:
    """The `Engine` of store.engines.protocol over one PostgreSQL database.

    `url` is a libpq connection string. `patience` is how long an operation, once it is its turn,
    waits for an answer and is tried again, in seconds. StoreError names the server without its
    password.
    """

    schema_query = SCHEMA
    alone = False

    def __init__(
        self, url: str, *, connections: int = CONNECTIONS, timeout: float = PATIENCE
    ) -> None:
        self._url = url
        self._name = safe_name(url)
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._signals: dict[Topic, asyncio.Event] = {}
        self._turns = asyncio.Semaphore(connections)  # first come, first served
        self._running: set[asyncio.Task[Any]] = set()
        self._long_reads: set[Callable[..., Any]] = set()
        self._closed = False
        self._idle: list[Session] = []  # those that served last are last
        self._clock = DatabaseClock()
        self._wakeups = Wakeups(url, self._notify_others, self._wake, self._clock, timeout)

    async def start(self) -> None:
        """Connect, bring the schema up to date, listen. StoreError says what is wrong."""
        try:
            await migrate(self._url, self._name)
            self._idle.append(Session(await connect(self._url, self._timeout)))
            await self._wakeups.start()
        except (psycopg.Error, OSError) as error:
            self._close_idle()
            raise explain(error, self._name) from None  # what libpq says quotes the URL
        except BaseException:
            self._close_idle()
            raise

    @property
    def clock(self) -> Callable[[], datetime]:
        """The server's, whatever this machine's own says."""
        return self._clock

    def signal(self, topic: Topic) -> asyncio.Event:
        """See Engine.signal."""
        return self._signals.setdefault(topic, asyncio.Event())

    def _wake(self, topics: set[Topic] | None) -> None:
        """Set these signals; None: all, for something may have been missed."""
        for topic in self._signals if topics is None else topics:
            self.signal(topic).set()

    async def write(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Engine.write."""
        return await self._in_its_own_task(partial(operation, *args, **kwargs), _WRITE)

    async def read(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Engine.read."""
        begin = _READ if operation in self._long_reads else _SHORT_READ
        return await self._in_its_own_task(partial(operation, *args, **kwargs), begin)

    async def close(self) -> None:
        """See Engine.close."""
        if self._closed:
            return
        self._closed = True
        if self._running:
            await asyncio.wait(self._running)
        await self._wakeups.stop()
        self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    @asynccontextmanager
    async def _session(self, seconds: float) -> AsyncIterator[Session]:
        """One that nobody else uses until the block ends; a new one if none is idle."""
        while self._idle:
            session = self._idle.pop()
            if session.is_usable:  # found out here, where another one can serve
                break
            session.close()
        else:
            session = Session(await connect(self._url, seconds))
        try:
            yield session
        finally:
            if self._closed or session.is_over:
                session.close()
            else:
                self._idle.append(session)

    async def _notify_others(self, text: str) -> None:
        """Send a NOTIFY. It waits for no turn: a burst must not keep the others from hearing."""
        async with self._session(self._timeout) as session:
            await session.run([(NOTIFY, (CHANNEL, text))], self._timeout)

    async def _in_its_own_task(self, operation: partial[Operation[T]], begin: str) -> T:
        """A caller that goes away neither stops nor breaks it."""
        if self._closed:
            raise StoreError("The store is closed.")
        task = self._loop.create_task(self._until_done(operation, begin))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _until_done(self, operation: partial[Operation[T]], begin: str) -> T:
        """Wait for a turn, then run it."""
        try:
            async with asyncio.timeout(QUEUE) if self._turns.locked() else nullcontext():
                await self._turns.acquire()
        except TimeoutError as error:
            raise explain(error, self._name) from error
        try:
            return await self._at_its_turn(operation, begin)
        except _NotTheLastError:
            self._long_reads.add(operation.func)  # its queries are to see the same moment
            return await self._at_its_turn(operation, _READ)
        finally:
            self._turns.release()

    async def _at_its_turn(self, operation: Callable[[], Operation[T]], begin: str) -> T:
        """Run it, again where that is safe and may help, as long as patience lasts."""
        deadline = self._loop.time() + self._timeout
        in_the_way = 0
        while True:
            try:
                result, topics = await self._once(operation, begin, deadline)
            except _AGAIN as error:
                in_the_way += 1
                tries = 3 if isinstance(error, errors.UniqueViolation) else ATTEMPTS
                if in_the_way >= tries or self._loop.time() >= deadline:
                    raise self._refused(error) from error
                log.debug("run again, for another was in the way: %s", type(error).__name__)
            except _ITS_OWN_FAULT as error:
                raise self._refused(error) from error
            except (psycopg.Error, OSError) as error:
                late = self._loop.time() >= deadline - REST
                if late or isinstance(error, errors.DiskFull):
                    raise explain(error, self._name) from error
                log.debug("run again after: %s", type(error).__name__)
                await asyncio.sleep(REST)
            else:
                if topics:
                    self._wake(topics)
                    self._wakeups.announce(topics)
                return result

    def _refused(self, error: psycopg.Error) -> StoreError:
        why = (error.diag.message_primary or str(error) or type(error).__name__).splitlines()[0]
        return StoreError(f"The store {self._name} refused one change: {why}.", permanent=True)

    async def _once(
        self, operation: Callable[[], Operation[T]], begin: str, deadline: float
    ) -> tuple[T, set[Topic]]:
        left = max(1.0, deadline - self._loop.time())
        async with self._session(left) as session:
            transaction = _Transaction(session, begin, left)
            try:
                result = await transaction.drive(operation())
            except psycopg.Error as error:
                session.close()
                if not (transaction.may_stand and is_lost(error)):
                    raise
                raise StoreError(
                    f"The store {self._name} was lost in the middle of a commit: it may stand.",
                    remedy="What was not acknowledged is delivered again, and counts once.",
                ) from error
            except BaseException:
                await transaction.undo()
                raise
        return result, transaction.topics


class _NotTheLastError(Exception):
    """A statement came after the one that was taken for the last."""


class _Transaction:
    """One operation on one connection. What needs no answer waits and travels with the next.

    `begin` is its first statement; none where the first query is taken for the only one, which
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
                    raise _NotTheLastError
                batch = (statement, *statement.with_it)
                self._unsent += map(_bound, batch)
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
        """Leave the transaction: the operation was refused, or is at fault."""
        if self._begun and not self._ended and not self._session.is_over:
            try:
                await self._session.run([_ROLLBACK], self._silence)
            except psycopg.Error:
                self._session.close()

    async def _send(self, batch: Sequence[Statement], *, end: bool) -> list[Any]:
        """Send what waits, at the end with its commit; the answers to its last part, the batch."""
        script, self._unsent = self._unsent, []
        self._ended = end
        self.may_stand = end and self._begin == _WRITE
        first = len(script) - len(batch)
        # What goes in one script is a transaction by itself; only a read's queries need more, to
        # see the same moment.
        if self._begun or not end or (self._begin != _WRITE and len(script) > 1):
            if not self._begun:
                script.insert(0, (self._begin or _READ, ()))
                first += 1
            self._begun = True
            if end:
                script.append(_COMMIT)
        answers = await self._session.run(script, self._silence)
        return [
            _sent_back(part, answers[number]) if part.has_answer else None
            for number, part in enumerate(batch, first)
        ]


def _bound(statement: Statement) -> _Bound:
    if statement.wants == "lock":
        return _LOCK, (_slots(statement.parameters),)
    return statement_for_libpq(statement.sql), bindable(statement.parameters)


def _sent_back(statement: Statement, answer: Answer) -> Any:
    return answer.rows() if statement.wants == "rows" else answer.count


_COMMIT: _Bound = ("COMMIT", ())
_ROLLBACK: _Bound = ("ROLLBACK", ())
_LOCK = f"SELECT pg_advisory_xact_lock({LOCK_CLASS}, slot) FROM unnest($1::int[]) AS slot"  # noqa: S608 - constant


def _slots(names: Sequence[str]) -> str:
    """Names as the server locks them, in the one order that everybody takes them in.

    A server has room for some thousand locks, for all who use it, and one delivery may have
    hundreds of names. Two names in one slot wait for each other in vain, which does no harm.
    """
    items = {zlib.crc32(name.encode("utf-8", "backslashreplace")) % SLOTS for name in names}
    return "{" + ",".join(map(str, sorted(items))) + "}"
