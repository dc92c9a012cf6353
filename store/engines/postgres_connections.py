"""Wakes the replicas of a PostgreSQL store, and explains failures of the server."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from datetime import UTC

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from bot.errors import StoreError
from bot.observability.throttled_logger import ThrottledLogger
from store.engines.clocks import DatabaseClock
from store.engines.postgres_session import Connection, connect
from store.topics import Topic

log = logging.getLogger(__name__)

CHANNEL = "sopbot"
LOOK = 2.0  # seconds between two readings of the server's clock; they also test the connection
REST = 0.5  # seconds before it connects again

SPACING = 0.05  # seconds; cards of a burst wait longer for Slack's pace
# It holds nothing that must survive, so it does not wait for the disk.
NOTIFY = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)"


def is_lost(error: psycopg.Error) -> bool:
    """Return whether the connection failed, so that the statement's outcome is unknown."""
    return error.sqlstate is None or error.sqlstate[:2] in ("08", "57")


@asynccontextmanager
async def within(connection: Connection, seconds: float) -> AsyncIterator[None]:
    """Cut the connection after so long: a stalled network answers nothing, ever.

    The waiting caller gets psycopg.OperationalError.
    """
    # A copy of the descriptor: shutting that down ends the wait on the connection's own.
    line = socket.socket(fileno=os.dup(connection.fileno()))
    timer = asyncio.get_running_loop().call_later(seconds, _shut, line)
    try:
        yield
    finally:
        timer.cancel()
        line.close()


def _shut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


class Wakeups:
    """Sends this replica's topics to the others, receives theirs, and reads the server's clock.

    The NOTIFY is sent outside the transactions, because a commit with a NOTIFY in it waits for
    every other such commit on the server. If one is lost, the workers' own polls find the work.
    After a quiet time the NOTIFY is sent at once; in a burst one is sent each SPACING, because
    every NOTIFY makes each replica query the store.
    """

    def __init__(
        self,
        url: str,
        say: Callable[[str], Awaitable[None]],
        wake: Callable[[set[Topic] | None], None],
        clock: DatabaseClock,
        timeout: float,
    ) -> None:
        self._url = url
        self._say = say
        self._wake = wake
        self._clock = clock
        self._timeout = timeout
        self._voice = secrets.token_hex(6)
        self._untold: set[Topic] = set()
        self._speak = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._first: Connection | None = None

    async def start(self) -> None:
        """Connect and listen; psycopg.Error when that fails the first time."""
        first = self._first = await self._connect()
        self._tasks = [
            asyncio.create_task(self._listen(first), name="store-listen"),
            asyncio.create_task(self._announce(), name="store-notify"),
        ]

    async def stop(self) -> None:
        """Send the topics that wait, then stop sending and listening."""
        if self._tasks and self._untold:
            await self._say_untold()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._first is not None:
            await self._first.close()  # a task that is stopped before it began closes nothing

    def announce(self, topics: set[Topic]) -> None:
        """Send these topics to the other replicas soon."""
        self._untold |= topics
        self._speak.set()

    async def _announce(self) -> None:
        while True:
            await self._speak.wait()
            self._speak.clear()
            await self._say_untold()
            await asyncio.sleep(SPACING)  # topics of this time are sent together

    async def _say_untold(self) -> None:
        topics, self._untold = self._untold, set()
        if not topics:
            return
        try:
            await self._say(" ".join((self._voice, *sorted(topics))))
        except (psycopg.Error, OSError) as error:
            log.debug("the other replicas are not told: %s", type(error).__name__)

    async def _connect(self) -> Connection:
        connection = await connect(self._url, self._timeout)
        try:
            async with within(connection, self._timeout):
                await connection.execute(f"LISTEN {CHANNEL}")  # a constant
                await self._check(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _check(self, connection: Connection) -> None:
        """Read the database's time."""
        asked_at = self._clock.reading()
        row = await (await connection.execute("SELECT clock_timestamp()")).fetchone()
        assert row is not None, "a SELECT without FROM has one row"  # noqa: S101 - mypy needs to know
        self._clock.set(row[0].astimezone(UTC), asked_at, self._clock.reading())

    async def _listen(self, first: Connection) -> None:
        connection: Connection | None = first
        throttled = ThrottledLogger(log, logging.WARNING, "not listening to the store: %s")
        while True:
            try:
                if connection is None:
                    connection = await self._connect()
                    self._wake(None)  # notifications of this time were missed
                    log.info("listening to the store again")
                async for notification in connection.notifies(timeout=LOOK):
                    voice, *names = notification.payload.split()
                    if voice != self._voice:
                        self._wake(_topics_of(names))
                async with within(connection, self._timeout):
                    await self._check(connection)
            except (psycopg.Error, OSError) as error:
                throttled.log(explain(error, safe_name(self._url)))
                if connection is not None:
                    await connection.close()
                    connection = None
                await asyncio.sleep(REST)
            except BaseException:
                if connection is not None:
                    await connection.close()
                raise


_PLAIN = re.compile(r"[\w.,/\[\]-]*(:[\d,]*)?")  # a host or a socket's folder, and a port


def safe_name(url: str) -> str:
    """Return the database's host, port and name for people, never a password."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "PostgreSQL"
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    port = f":{parts['port']}" if parts.get("port") else ""
    if not _PLAIN.fullmatch(f"{host}{port}"):
        return "PostgreSQL"  # a stray / or @ in a password makes other parts of it
    return f"PostgreSQL {host}{port}/{parts.get('dbname') or parts.get('user') or ''}"


def explain(error: Exception, name: str) -> StoreError:
    """Return what is wrong with the server, and what to do about it."""
    permanent = False
    result = str(error)  # a refused connection has a message, but no code
    if getattr(error, "sqlstate", None) is None and "invalid" in result and "FATAL" not in result:
        what = "has no usable address"
        remedy = (
            "Write STORE_URL as postgresql://user:password@host:port/database, odd signs as %XX."
        )
        permanent = True
    elif (
        isinstance(error, errors.InvalidPassword | errors.InvalidAuthorizationSpecification)
        or "authentication failed" in result
        or "no password supplied" in result
        or "no pg_hba.conf entry" in result
        or ('role "' in result and "does not exist" in result)
    ):
        what, remedy = "does not let us in", "Check the user and password in STORE_URL."
        permanent = True
    elif isinstance(error, errors.InvalidCatalogName) or (
        'database "' in result and "does not exist" in result
    ):
        what, remedy = "does not exist", "Create it: createdb, owned by the user in STORE_URL."
        permanent = True
    elif isinstance(error, errors.InsufficientPrivilege):
        what = "does not let us do that"
        remedy = "The user in STORE_URL must own the database, or its schema."
        permanent = True
    elif isinstance(error, errors.ReadOnlySqlTransaction):
        what, remedy = "takes no writes", "STORE_URL must name the primary, not a standby."
    elif isinstance(error, errors.LockNotAvailable):
        what = "is being brought up to date by another process, which does not end"
        remedy = "Look what holds its advisory lock (pg_locks), and end that."
    elif isinstance(error, errors.DiskFull):
        what, remedy = "has a full disk", "Make room; what was not acknowledged comes again."
    elif isinstance(error, errors.TooManyConnections) or "too many clients" in result:
        what, remedy = "has no connection left", "Raise max_connections, or run fewer replicas."
    elif isinstance(error, TimeoutError):
        what, remedy = "does not answer", "What was not acknowledged is delivered again."
    else:
        what = f"failed ({type(error).__name__})"
        remedy = "Check the server and the network; what was not acknowledged comes again."
    return StoreError(f"The store {name} {what}.", permanent=permanent, remedy=remedy)


def _topics_of(names: Collection[str]) -> set[Topic]:
    """Return the known topics; a replica of another version may send unknown ones."""
    return {topic for topic in Topic if topic in names}
