"""An SQLite file as one side of a transfer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from bot.errors import StoreError
from store.admin.transfer import BATCH, Values
from store.engines.clocks import system_clock
from store.engines.sqlite_file import connect, explain
from store.engines.sqlite_schema import SCHEMA
from store.engines.tables import Table
from store.statements import Row


class SqliteEnd:
    """See transfer.End. Closing it undoes what was not committed."""

    takes_nul = True

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        connection.row_factory = sqlite3.Row
        self.connection = connection
        self.name = name

    @classmethod
    def reading(cls, path: Path) -> Self:
        """Yield one consistent view of an existing file while others write to it."""
        if not path.is_file():
            raise StoreError(
                f"There is no store {path}.", permanent=True, remedy="Check STORE_URL."
            )
        try:
            # Never `mode=rwc`: reading must not create a file that was just deleted.
            connection = sqlite3.connect(
                f"file:{quote(str(path))}?mode=rw", uri=True, timeout=10, isolation_level=None
            )
        except sqlite3.Error as error:
            raise explain(error, str(path)) from error
        end = cls(connection, str(path))
        try:
            with end._errors_named():
                connection.execute("PRAGMA query_only = ON")
                connection.execute("BEGIN")
                connection.execute(
                    "SELECT 1 FROM sqlite_master"
                ).fetchone()  # from here on the view is fixed
        except BaseException:
            connection.close()
            raise
        return end

    @classmethod
    def making(cls, partial: Path) -> Self:
        """Yield a new file that no other process sees: written fast, and unusable until it is
        sealed."""
        end = cls(connect(str(partial), 10, writes=True), str(partial))
        with end._errors_named():
            end.connection.execute("PRAGMA journal_mode = OFF")
            end.connection.execute("PRAGMA synchronous = OFF")
            end.connection.execute("BEGIN IMMEDIATE")
        return end

    def ask(self, sql: str, parameters: Values = ()) -> list[Row]:
        """See transfer.End."""
        with self._errors_named():
            return self.connection.execute(sql, parameters).fetchall()

    def do(self, sql: str, parameters: Values = ()) -> None:
        """See transfer.End."""
        with self._errors_named():
            self.connection.execute(sql, parameters)

    def steps(self) -> list[str]:
        """See transfer.End."""
        made = self.ask("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'")
        return [row["name"] for row in self.ask(SCHEMA)] if made else []

    def clock(self) -> datetime:
        """Return this machine's time: a file is on one machine."""
        return system_clock()

    def rows(self, table: Table, where: str) -> Iterator[list[Values]]:
        """See transfer.End."""
        with self._errors_named(table):
            cursor = self.connection.cursor()
            cursor.row_factory = None
            cursor.execute(
                f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE {where}"  # noqa: S608 - constants
                f" ORDER BY {', '.join(table.key)}"
            )
            while batch := cursor.fetchmany(BATCH):
                yield batch

    def take(self, table: Table, batches: Iterable[list[Values]]) -> None:
        """See transfer.End."""
        places = ", ".join("?" * len(table.columns))
        sql = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({places})"  # noqa: S608 - constants
        with self._errors_named(table):
            for batch in batches:
                self.connection.executemany(sql, batch)

    def settle(self) -> None:
        """Nothing to do: SQLite keeps its counters itself."""

    def go_on_after(self, number: int) -> None:
        """Let the next incident have a higher number than this."""
        self.do(
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'incidents', 0 WHERE NOT EXISTS"
            " (SELECT 1 FROM sqlite_sequence WHERE name = 'incidents')"
        )
        self.do(
            "UPDATE sqlite_sequence SET seq = ? WHERE name = 'incidents' AND seq < ?",
            (number, number),
        )

    def commit(self) -> None:
        """Commit the rows."""
        self.do("COMMIT")

    @contextmanager
    def _errors_named(self, table: Table | None = None) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise StoreError(
                f"{self.name} does not take a row of {table.name if table else 'its'}: {error}.",
                permanent=True,
                remedy="Nothing was changed. `python -m bot store status` says what is broken.",
            ) from error
        except sqlite3.Error as error:
            where = f" (table {table.name})" if table else ""
            raise explain(error, self.name + where) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()
