"""The database beneath a bot under test, as a test sees it: beside the bot, behind its back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg import sql as composed

from store.engines.dialects import statement_for_postgres
from store.engines.postgres_session import Row
from tests.helpers.postgres import EMPTY, OTHERS_LEAVE

CURRENT: set[str] = set()
"""The addresses of databases whose schema a test has not touched since it was migrated."""


class Database(Protocol):
    """One store; statements are in the words that both engines speak."""

    @property
    def url(self) -> str:
        """STORE_URL."""

    def rows(self, query: str) -> list[Any]:
        """Return what it holds now."""

    def tamper(self, change: str, *parameters: object) -> int:
        """Change it behind the bot's back; how many rows were."""

    def from_the_future(self) -> None:
        """Pretend that a newer bot has changed the schema."""

    def held(self) -> AbstractContextManager[None]:
        """Keep everybody from writing what Slack shows, until the block ends."""


@dataclass(frozen=True)
class SqliteDatabase:
    """An SQLite file."""

    file: Path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    def rows(self, query: str) -> list[Any]:
        return read_rows(self.file, query)

    def tamper(self, change: str, *parameters: object) -> int:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            return connection.execute(change, parameters).rowcount

    def from_the_future(self) -> None:
        self.tamper(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " SELECT migration_set, '9999_from_the_future', applied_at"
            " FROM _sqlite_migrations LIMIT 1"
        )

    @contextmanager
    def held(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield


@dataclass
class PostgresDatabase:
    """A PostgreSQL database, over one connection: a new one costs 10 ms of processor time.

    `changed` is True once a test has changed its schema, or what is on record about it.
    """

    url: str
    changed: bool = field(default=False, init=False)
    _connection: psycopg.Connection[Any] | None = field(default=None, init=False)

    def rows(self, query: str) -> list[Any]:
        return self._execute(query, None).fetchall()

    def tamper(self, change: str, *parameters: object) -> int:
        if change.startswith(("ALTER", "CREATE", "DROP")):
            self._is_changed()
        return self._execute(change, parameters).rowcount

    def empty(self) -> None:
        """Delete every row, after ending the connections that are still open."""
        self._execute(OTHERS_LEAVE, None)
        self._execute(EMPTY, None)
        CURRENT.add(self.url)

    def _is_changed(self) -> None:
        self.changed = True
        CURRENT.discard(self.url)

    def from_the_future(self) -> None:
        self._is_changed()
        self.tamper("INSERT INTO sopbot_migrations (name) VALUES ('9999_from_the_future')")

    @contextmanager
    def held(self) -> Iterator[None]:
        with psycopg.connect(self.url) as connection:
            connection.execute("LOCK TABLE outbox IN EXCLUSIVE MODE")
            yield
            connection.rollback()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _execute(self, statement: str, parameters: Sequence[object] | None) -> psycopg.Cursor[Any]:
        """Run one statement; over a new connection if the server ended the one that we had."""
        query = composed.SQL(statement_for_postgres(statement))
        if self._connection is not None:
            try:
                return self._connection.execute(query, parameters)
            except psycopg.OperationalError:
                if not self._connection.broken:
                    raise
                self.close()
        self._connection = psycopg.connect(self.url, autocommit=True, connect_timeout=10)
        self._connection.row_factory = _rows  # type: ignore[assignment]
        return self._connection.execute(query, parameters)


def _rows(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
    """Rows that know their columns' names, as the store's own do."""
    places = {column.name: place for place, column in enumerate(cursor.description or ())}
    return partial(Row, places)


def read_rows(file: Path, query: str) -> list[sqlite3.Row]:
    """Rows of an SQLite file that another connection writes."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)
    try:
        connection.row_factory = sqlite3.Row
        return connection.execute(query).fetchall()
    finally:
        connection.close()
