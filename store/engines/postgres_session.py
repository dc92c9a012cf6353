"""One connection to PostgreSQL, driven by libpq's pipeline mode on the event loop.

Every alert costs some forty statements. psycopg's own cursors make an object of each statement and
of each column, and register with the event loop for each wait; that was a third of the bot's
processor time. So psycopg connects, explains errors and converts values, and the statements are
sent here: all that are known go in one message, and each is prepared where it is sent often.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import psycopg
from psycopg import abc, errors, postgres, pq
from psycopg.adapt import Transformer

PREPARE_AFTER = 3  # times that a connection sends a statement before it prepares it
PREPARED = 256  # statements of a connection; further ones are sent in full
COUNTED = 1024  # statements whose sending is counted until they are prepared

# A replica that is stuck in a transaction must not block the others for long.
_SESSION = (
    "SET client_encoding = 'UTF8'",
    "SET default_transaction_isolation = 'read committed'",  # of a script without BEGIN
    "SET idle_in_transaction_session_timeout = '4s'",
    "SET lock_timeout = '4s'",
    "SET application_name = 'sopbot'",
    "SET client_min_messages = 'warning'",
)
_FAILED = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)

Script = Sequence[tuple[str, Sequence[Any]]]
"""Statements in libpq's words (`$1`), each with its values."""


class Row:
    """A row: values by position or by column name."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: dict[str, int], values: Sequence[Any]) -> None:
        self._places = places
        self._values = values

    def __getitem__(self, key: str | int) -> Any:
        return self._values[self._places[key] if isinstance(key, str) else key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


Connection = psycopg.AsyncConnection[Any]


async def connect(url: str, timeout: float) -> Connection:
    """A connection with our session settings. psycopg.Error, or TimeoutError after `timeout` s."""
    async with asyncio.timeout(timeout):
        connection: Connection = await psycopg.AsyncConnection.connect(
            url, autocommit=True, connect_timeout=max(2, int(timeout))
        )
        try:
            for statement in _SESSION:
                await connection.execute(statement)
        except BaseException:
            await connection.close()
            raise
    return connection


Places = dict[str, int]
"""The position of each column in a row."""


class Answer:
    """The server's answer to one statement. Its rows are read before the session runs more.

    `places` are those of the statement, filled in by its first answer with rows.
    """

    __slots__ = ("_places", "_result", "_transformer")

    def __init__(
        self, result: pq.abc.PGresult, transformer: abc.Transformer, places: Places
    ) -> None:
        self._result = result
        self._transformer = transformer
        self._places = places

    @property
    def count(self) -> int:
        """Return how many rows the statement changed."""
        return self._result.command_tuples or 0

    def rows(self) -> list[Row]:
        """Return the rows of the answer."""
        result, places = self._result, self._places
        if not result.ntuples:
            return []
        if not places:
            places.update(
                ((result.fname(place) or b"").decode(), place) for place in range(result.nfields)
            )
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, partial(Row, places))


class Session:
    """One connection. It runs one script at a time.

    A session in which a statement failed is closed, because it may not know which statements the
    server has prepared.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pg = connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._transformer: abc.Transformer = Transformer(connection)
        self._times_sent: dict[str, int] = {}
        self._prepared: dict[str, tuple[bytes, Places]] = {}
        self._expected: list[str | None] = []  # the statement of each result; None for a PREPARE
        self._results: list[pq.abc.PGresult] = []  # in their order
        self._waiter: asyncio.Future[None] | None = None
        self._silent_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._descriptor = self._pg.socket
        self._line = select.poll()
        self._line.register(self._descriptor, select.POLLIN)
        self._pg.enter_pipeline_mode()
        self._loop.add_reader(self._descriptor, self._on_readable)

    @property
    def is_usable(self) -> bool:
        """Return whether the server still serves it: an idle connection has nothing to read."""
        return not self.is_over and not self._line.poll(0)

    @property
    def is_over(self) -> bool:
        """Return whether it failed or was closed."""
        return self._connection.closed

    async def run(self, script: Script, silence: float) -> list[Answer]:
        """Send the script and wait for all of it; the answers to its statements.

        Without BEGIN it is one transaction, which ends with it.

        psycopg.Error of the first statement that fails: those behind it are not run, and the
        session is over. So it is after `silence` seconds: a stalled network answers nothing, ever.
        """
        if self.is_over:
            raise psycopg.OperationalError("the connection is closed")
        bound = [(sql, *_bound(values)) for sql, values in script]
        self._expected, self._results = [], []
        self._silent_until = self._loop.time() + silence
        self._watch()
        waiter = self._waiter = self._loop.create_future()
        try:
            for sql, values, types in bound:
                self._put(sql, values, types)
            self._pg.pipeline_sync()
            if self._pg.flush():
                self._loop.add_writer(self._descriptor, self._on_writable)
        except psycopg.Error as error:
            self._lose(error)
        try:
            await waiter
        except asyncio.CancelledError:
            self.close()
            raise
        return self._answers()

    def close(self) -> None:
        """Close the connection, even in the middle of a script."""
        self._lose(psycopg.OperationalError("the connection was closed"))

    def _put(self, sql: str, values: list[bytes | None], types: list[int]) -> None:
        """Hand one statement to libpq, which sends it with what follows."""
        known = self._prepared.get(sql)
        if known is None:
            if len(self._times_sent) >= COUNTED:
                self._times_sent.clear()
            times = self._times_sent[sql] = self._times_sent.get(sql, 0) + 1
            if times > PREPARE_AFTER and len(self._prepared) < PREPARED:
                known = self._prepared[sql] = (f"s{len(self._prepared)}".encode(), {})
                self._pg.send_prepare(known[0], sql.encode(), types)
                self._expected.append(None)
        if known is None:
            self._pg.send_query_params(sql.encode(), values, types)
        else:
            self._pg.send_query_prepared(known[0], values)
        self._expected.append(sql)

    def _answers(self) -> list[Answer]:
        answers = []
        for sql, result in zip(self._expected, self._results, strict=True):
            if result.status in _FAILED:
                self.close()
                raise errors.error_from_result(result)
            if sql is not None:
                known = self._prepared.get(sql)
                answers.append(Answer(result, self._transformer, known[1] if known else {}))
        return answers

    def _on_writable(self) -> None:
        try:
            is_sent = not self._pg.flush()
        except psycopg.Error as error:
            self._lose(error)
        else:
            if is_sent:
                self._loop.remove_writer(self._descriptor)

    def _on_readable(self) -> None:
        if self._waiter is None:
            self._lose(psycopg.OperationalError("the server ended this connection"))
            return
        try:
            self._pg.consume_input()
            while not self._pg.is_busy():
                result = self._pg.get_result()
                if result is None:  # it stands between the results of two statements
                    if self._pg.status != pq.ConnStatus.OK:
                        raise psycopg.OperationalError("the connection is lost")
                    continue
                if result.status == pq.ExecStatus.PIPELINE_SYNC:
                    self._is_answered()
                    return
                self._results.append(result)
        except psycopg.Error as error:
            self._lose(error)

    def _is_answered(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _watch(self) -> None:
        """Check for a silent server.

        One timer serves many scripts: it is set again when it fires.
        """
        if self._timer is not None:
            if self._timer.when() <= self._silent_until:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(self._silent_until, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() >= self._silent_until:
            self._lose(psycopg.OperationalError("the server does not answer"))
        else:
            self._watch()

    def _lose(self, error: psycopg.Error) -> None:
        """End the session; its caller gets the error."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.is_over:
            failed = next((result for result in self._results if result.status in _FAILED), None)
            if failed is not None:  # the server's own words, before it ended the connection
                error = errors.error_from_result(failed)
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)
            self._pg.finish()
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)


_BIGINT = postgres.types["int8"].oid
_FROM_CONTEXT = 0  # the server finds the type


def _bound(values: Sequence[Any]) -> tuple[list[bytes | None], list[int]]:
    """Return the values as text, and their types. psycopg.ProgrammingError for an unknown type."""
    texts: list[bytes | None] = []
    types: list[int] = []
    for value in values:
        if value is None:
            texts.append(None)
            types.append(_FROM_CONTEXT)
        elif isinstance(value, str):
            texts.append(value.encode())
            types.append(_FROM_CONTEXT)
        elif isinstance(value, int):
            texts.append(b"%d" % value)
            types.append(_BIGINT)
        else:
            raise psycopg.ProgrammingError(f"no column holds a {type(value).__name__}")
    return texts, types
