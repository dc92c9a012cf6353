"""A PostgreSQL database as one side of a transfer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import IsolationLevel, errors
from psycopg.rows import dict_row, tuple_row

from bot.errors import StoreError
from store.admin.transfer import BATCH, Values
from store.engines.dialects import statement_for_postgres
from store.engines.postgres_connections import explain, safe_name
from store.engines.postgres_schema import SCHEMA, migrate
from store.engines.tables import Table, tables
from store.statements import Row

_PATIENCE = "10s"  # to wait for another process's lock

_SESSION = (
    f"SET lock_timeout = '{_PATIENCE}'",
    "SET idle_in_transaction_session_timeout = 0",  # the other side may be slow
    "SET statement_timeout = 0",
    "SET application_name = 'sopbot store'",
)


class PostgresEnd:
    """See transfer.End. Closing it undoes what was not committed."""

    takes_nul = False

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self.connection = connection
        self.name = name

    @classmethod
    def reading(cls, url: str) -> Self:
        """Yield one consistent view of the database while others write to it."""
        return cls._connected(url, IsolationLevel.REPEATABLE_READ, read_only=True)

    @classmethod
    def writing(cls, url: str) -> Self:
        """Yield a migrated database, locked for this process alone."""
        bring_up_to_date(url)
        end = cls._connected(url, IsolationLevel.READ_COMMITTED, read_only=False)
        try:
            names = ", ".join(table.name for table in tables())
            end.do(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
        except BaseException:
            end.connection.close()
            raise
        return end

    @classmethod
    def _connected(cls, url: str, isolation: IsolationLevel, *, read_only: bool) -> Self:
        name = safe_name(url)
        try:
            connection = psycopg.connect(url, connect_timeout=10, autocommit=True)
            for statement in _SESSION:
                connection.execute(statement)
            connection.autocommit = False
            connection.isolation_level = isolation
            connection.read_only = read_only
        except (psycopg.Error, OSError) as error:
            raise explain(error, name) from error
        return cls(connection, name)

    def ask(self, sql: str, parameters: Values = ()) -> list[Row]:
        """See transfer.End."""
        with self._errors_named(), self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement_for_postgres(sql), parameters).fetchall()

    def do(self, sql: str, parameters: Values = ()) -> None:
        """See transfer.End."""
        with self._errors_named():
            self.connection.execute(statement_for_postgres(sql), parameters)

    def steps(self) -> list[str]:
        """See transfer.End."""
        made = self.ask("SELECT to_regclass('sopbot_migrations') IS NOT NULL AS made")
        return [row["name"] for row in self.ask(SCHEMA)] if made[0]["made"] else []

    def clock(self) -> datetime:
        """Return the server's time."""
        at: datetime = self.ask("SELECT clock_timestamp() AS now")[0]["now"]
        return at.astimezone(UTC)

    def place(self) -> tuple[Any, ...]:
        """Return a text that is equal for two connections to one database, even by different
        addresses."""
        (row,) = self.ask(
            "SELECT pg_postmaster_start_time() AS began, oid FROM pg_database"
            " WHERE datname = current_database()"
        )
        return row["began"], row["oid"]

    def rows(self, table: Table, where: str) -> Iterator[list[Values]]:
        """See transfer.End."""
        with (
            self._errors_named(table),
            self.connection.cursor(f"rows_{table.name}", row_factory=tuple_row) as cursor,
        ):
            cursor.execute(
                f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {where}"  # noqa: S608 - constants
                f" ORDER BY {', '.join(table.key)}"
            )
            while batch := cursor.fetchmany(BATCH):
                yield batch

    def clear(self) -> None:
        """Delete all rows."""
        self.do(f"TRUNCATE {', '.join(table.name for table in tables())}")

    def take(self, table: Table, batches: Iterable[list[Values]]) -> None:
        """See transfer.End."""
        sql = f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN"
        with (
            self._errors_named(table),
            self.connection.cursor() as cursor,
            cursor.copy(sql) as copy,
        ):
            for batch in batches:
                for row in batch:
                    copy.write_row(row)

    def settle(self) -> None:
        """See transfer.End."""
        for table in tables():
            if table.numbered:
                self._number(table, self._last(table))
            self.do(f"ANALYZE {table.name}")

    def go_on_after(self, number: int) -> None:
        """Let the next incident have a higher number than this."""
        (incidents,) = (table for table in tables() if table.name == "incidents")
        self._number(incidents, max(number, self._last(incidents)))

    def _last(self, table: Table) -> int:
        (key,) = table.key
        return int(self.ask(f"SELECT COALESCE(MAX({key}), 0) AS n FROM {table.name}")[0]["n"])  # noqa: S608 - constants

    def _number(self, table: Table, last: int) -> None:
        (key,) = table.key
        # Not `setval`, which a rollback does not undo.
        self.do(f"ALTER TABLE {table.name} ALTER COLUMN {key} RESTART WITH {last + 1}")

    def commit(self) -> None:
        """Commit the rows."""
        with self._errors_named():
            self.connection.commit()

    @contextmanager
    def _errors_named(self, table: Table | None = None) -> Iterator[None]:
        try:
            yield
        except errors.LockNotAvailable as error:
            raise StoreError(
                f"The store {self.name} is in use by another process.",
                remedy="Stop the bot, or whoever else works in it, and try again.",
            ) from error
        except (errors.DataError, errors.IntegrityError) as error:
            why = (error.diag.message_primary or type(error).__name__).splitlines()[0]
            raise StoreError(
                f"{self.name} does not take a row of {table.name if table else 'its'}: {why}.",
                permanent=True,
                remedy="Nothing was changed. `python -m bot store status` says what is broken.",
            ) from error
        except (psycopg.Error, OSError) as error:
            raise explain(error, self.name) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()


def bring_up_to_date(url: str) -> None:
    """Run the missing migrations. StoreError."""
    name = safe_name(url)
    try:
        asyncio.run(migrate(url, name))
    except (psycopg.Error, OSError) as error:
        raise explain(error, name) from error
