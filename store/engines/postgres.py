"""PostgreSQL from asyncio: some sessions, a transaction an operation, LISTEN and NOTIFY.

Operations run side by side, in this process and in other replicas. An operation that must not
interleave takes a lock (`statements.lock`, an advisory lock until the transaction ends). If the
database still finds two operations in conflict, one of them runs again. So does a transaction whose
connection failed before its COMMIT was sent; after that the commit may stand, so the caller gets an
error that says so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

import psycopg
from psycopg import errors

from bot.errors import StoreError
from store.engines.clocks import DatabaseClock
from store.engines.postgres_connections import (
    CHANNEL,
    NOTIFY,
    Wakeups,
    explain,
    is_lost,
    safe_name,
)
from store.engines.postgres_schema import SCHEMA, SIZE, migrate
from store.engines.postgres_session import Session, connect
from store.engines.postgres_transaction import READ, SHORT_READ, WRITE, NotTheLastError, Transaction
from store.engines.read_ahead import ReadAhead
from store.statements import Operation
from store.topics import Topic

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

CONNECTIONS = 8  # at most; each runs one transaction at a time
ATTEMPTS = 8  # of an operation that conflicts with others
PATIENCE = 5.0  # seconds without an answer, or of trying again, until an operation gives up
REST = 0.1  # seconds until a failed connection is tried again
QUEUE = 30.0  # seconds that an operation may wait: a burst must not refuse an alert

# Another transaction was in conflict; the same operation, run again, sees its result. The last two:
# another replica changed the schema, or the server forgot a prepared statement.
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


class PostgresEngine:
    """The `Engine` of store.engines.protocol over one PostgreSQL database.

    `url` is a libpq connection string. `timeout` is how long an operation, once it is its turn,
    waits for an answer and is tried again, in seconds. StoreError names the server without its
    password.
    """

    name = "postgresql"
    schema_query = SCHEMA
    size_query = SIZE
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
        self._idle: list[Session] = []  # the one that was used last is at the end
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
        """Return the server's time, even if this machine's is wrong."""
        return self._clock

    def signal(self, topic: Topic) -> asyncio.Event:
        """See Engine.signal."""
        return self._signals.setdefault(topic, asyncio.Event())

    def read_ahead(self, ahead: ReadAhead[Any]) -> None:
        """Read nothing: here a statement costs a round trip, and the commit is the server's."""

    def _wake(self, topics: set[Topic] | None) -> None:
        """Set the signals of these topics; None sets all, because notifications may be missed."""
        for topic in self._signals if topics is None else topics:
            self.signal(topic).set()

    async def write(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Engine.write."""
        return await self._in_its_own_task(partial(operation, *args, **kwargs), WRITE)

    async def read(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Engine.read."""
        begin = READ if operation in self._long_reads else SHORT_READ
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
        """Yield a session for this block alone; a new one if none is idle."""
        while self._idle:
            session = self._idle.pop()
            if session.is_usable:  # checked here, where another session can serve
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
        """Send a NOTIFY, ahead of waiting operations: a burst must not delay the other replicas."""
        async with self._session(self._timeout) as session:
            await session.run([(NOTIFY, (CHANNEL, text))], self._timeout)

    async def _in_its_own_task(self, operation: partial[Operation[T]], begin: str) -> T:
        """Run the operation in a task of its own, so that a cancelled caller does not stop it."""
        if self._closed:
            raise StoreError("The store is closed.")
        task = self._loop.create_task(self._until_done(operation, begin))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _until_done(self, operation: partial[Operation[T]], begin: str) -> T:
        """Wait for a turn, then run the operation."""
        try:
            async with asyncio.timeout(QUEUE) if self._turns.locked() else nullcontext():
                await self._turns.acquire()
        except TimeoutError as error:
            raise explain(error, self._name) from error
        try:
            return await self._at_its_turn(operation, begin)
        except NotTheLastError:
            self._long_reads.add(operation.func)  # its queries must see one snapshot
            return await self._at_its_turn(operation, READ)
        finally:
            self._turns.release()

    async def _at_its_turn(self, operation: Callable[[], Operation[T]], begin: str) -> T:
        """Run the operation; retry it where that is safe and may help, until the timeout."""
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
            transaction = Transaction(session, begin, left)
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
