"""PostgreSQL from asyncio: a pool of connections, a transaction an operation, LISTEN and NOTIFY.

Operations run side by side, in this process and in other replicas. What must not interleave says
so (`statements.lock`, an advisory lock until the transaction ends); where the database finds that
two got in each other's way after all, one of them is run again. A transaction that did not reach
its COMMIT is run again as well when the connection fails; one that did may stand, so its caller
hears that nobody knows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

import psycopg
from psycopg import errors
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from bot.errors import StoreError
from store.clocks import DatabaseClock
from store.dialects import statement_for_postgres
from store.postgres_link import Connection, Wakeups, configure, explain, safe_name, within
from store.postgres_schema import SCHEMA, migrate
from store.statements import Operation, bindable

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger(__name__)

CONNECTIONS = 8  # at most, each with one transaction at a time
ATTEMPTS = 8  # of an operation that others got in the way of
PATIENCE = 5.0  # seconds that an operation may take once it is its turn
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


class PostgresEngine:
    """The `Engine` of store.contract over one PostgreSQL database.

    `url` is a libpq connection string. `patience` is how long an operation may take in all, in
    seconds, once it is its turn. StoreError names the server without its password.
    """

    schema_query = SCHEMA
    alone = False

    def __init__(
        self, url: str, *, connections: int = CONNECTIONS, patience: float = PATIENCE
    ) -> None:
        self._url = url
        self._name = safe_name(url)
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._signals: dict[str, asyncio.Event] = {}
        self._turns = asyncio.Semaphore(connections)  # first come, first served
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            min_size=2,
            max_size=connections + 1,  # one to tell the others by
            open=False,
            timeout=patience,
            reconnect_timeout=0.5,  # then who waits asks anew; the pool never gives up for good
            kwargs={"autocommit": True, "connect_timeout": max(2, int(patience))},
            configure=configure,
            name=f"store-{id(self)}",
        )
        self._clock = DatabaseClock()
        self._wakeups = Wakeups(url, self._pool, self._wake, self._clock, patience)

    async def start(self) -> None:
        """Connect, bring the schema up to date, listen. StoreError says what is wrong."""
        try:
            await migrate(self._url, self._name)
            await self._pool.open()
            await self._wakeups.start()
        except (psycopg.Error, OSError) as error:
            await self._pool.close()
            raise explain(error, self._name) from error
        except BaseException:
            await self._pool.close()
            raise

    @property
    def clock(self) -> Callable[[], datetime]:
        """The server's, whatever this machine's own says."""
        return self._clock

    def signal(self, topic: str) -> asyncio.Event:
        """See Engine.signal."""
        return self._signals.setdefault(topic, asyncio.Event())

    def _wake(self, topics: set[str] | None) -> None:
        """Set these signals; None: all, for something may have been missed."""
        for topic in self._signals if topics is None else topics:
            self.signal(topic).set()

    async def write(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Engine.write."""
        return await self._in_its_own_task(
            partial(operation, *args, **kwargs), "BEGIN ISOLATION LEVEL READ COMMITTED"
        )

    async def read(
        self, operation: Callable[P, Operation[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """See Engine.read."""
        return await self._in_its_own_task(
            partial(operation, *args, **kwargs), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        )

    async def close(self) -> None:
        """See Engine.close."""
        if self._closed:
            return
        self._closed = True
        if self._running:
            await asyncio.wait(self._running)
        await self._wakeups.stop()
        await self._pool.close()

    async def _in_its_own_task(self, operation: Callable[[], Operation[T]], begin: str) -> T:
        """A caller that goes away neither stops nor breaks it."""
        if self._closed:
            raise StoreError("The store is closed.")
        task = self._loop.create_task(self._until_done(operation, begin))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _until_done(self, operation: Callable[[], Operation[T]], begin: str) -> T:
        """When it is its turn, run it."""
        try:
            async with asyncio.timeout(QUEUE):
                await self._turns.acquire()
        except TimeoutError as error:
            raise explain(error, self._name) from error
        try:
            return await self._at_its_turn(operation, begin)
        finally:
            self._turns.release()

    async def _at_its_turn(self, operation: Callable[[], Operation[T]], begin: str) -> T:
        """Run it, again where that is safe and may help, as long as patience lasts."""
        deadline = self._loop.time() + self._patience
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS or self._loop.time() >= deadline
            try:
                result, topics = await self._once(operation, begin, deadline)
            except _AGAIN as error:
                if last or (isinstance(error, errors.UniqueViolation) and attempt > 2):
                    raise self._refused(error) from error
                log.debug("run again, for another was in the way: %s", type(error).__name__)
            except _ITS_OWN_FAULT as error:
                raise self._refused(error) from error
            except (psycopg.Error, PoolTimeout, PoolClosed, OSError) as error:
                if last or isinstance(error, PoolTimeout | PoolClosed):
                    raise explain(error, self._name) from error
                log.debug("run again after: %s", type(error).__name__)
            else:
                if topics:
                    self._wake(topics)
                    self._wakeups.tell(topics)
                return result
        raise AssertionError("the last attempt returns or raises")

    def _refused(self, error: psycopg.Error) -> StoreError:
        why = (error.diag.message_primary or str(error) or type(error).__name__).splitlines()[0]
        return StoreError(f"The store {self._name} refused one change: {why}.", permanent=True)

    async def _once(
        self, operation: Callable[[], Operation[T]], begin: str, deadline: float
    ) -> tuple[T, set[str]]:
        left = max(0.1, deadline - self._loop.time())
        async with self._pool.connection(left) as connection, within(connection, left):
            transaction = _Transaction(connection, begin)
            try:
                result = await transaction.drive(operation())
            except BaseException:
                await _undo(connection)
                raise
            try:
                await transaction.commit()
            except _AGAIN + _ITS_OWN_FAULT:
                await _undo(connection)
                raise
            except psycopg.Error as error:
                raise StoreError(
                    f"The store {self._name} was lost in the middle of a commit: it may stand.",
                    remedy="What was not acknowledged is delivered again, and counts once.",
                ) from error
        return result, transaction.topics


class _Transaction:
    """One operation on one connection. What needs no answer waits and travels with the next."""

    def __init__(self, connection: Connection, begin: str) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._unsent: list[tuple[str, Sequence[Any] | None]] = [(begin, None)]
        self.topics: set[str] = set()

    async def drive(self, operation: Operation[T]) -> T:
        """Run the operation to its end."""
        answer: Any = None
        try:
            while True:
                statement = operation.send(answer)
                answer = None
                if statement.wants == "notify":
                    self.topics.add(statement.sql)
                elif statement.wants == "lock":
                    self._unsent += [(_LOCK, (name,)) for name in bindable(statement.parameters)]
                else:
                    sql = statement_for_postgres(statement.sql)
                    self._unsent.append((sql, bindable(statement.parameters)))
                    if statement.wants != "nothing":
                        await self._send()
                        rows = statement.wants == "rows"
                        answer = await self._cursor.fetchall() if rows else self._cursor.rowcount
        except StopIteration as end:
            result: T = end.value
            return result

    async def commit(self) -> None:
        """Send what is left, and make it durable."""
        self._unsent.append(("COMMIT", None))
        await self._send()

    async def _send(self) -> None:
        """Send what waits; the cursor has the answer of the last."""
        (*before, (sql, parameters)), self._unsent = self._unsent, []
        if not before:
            await self._cursor.execute(sql, parameters)
            return
        async with self._connection.pipeline():
            for earlier, values in before:
                await self._connection.execute(earlier, values)
            await self._cursor.execute(sql, parameters)


async def _undo(connection: Connection) -> None:
    try:
        if not connection.closed:
            await connection.execute("ROLLBACK")
    except psycopg.Error:
        await connection.close()


# Two names that hash alike wait for each other in vain, which does no harm.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
