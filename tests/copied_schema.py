"""Copies the tables of a new SQLite store: to run each migration takes fifty times as long.

Several thousand tests open a store that has nothing in it. The first of a process runs the
migrations; the others get its pages. A store that holds a table is migrated as ever, and so is one
in a process that a test starts.

Nor is an emptied PostgreSQL database (`tests.helpers.databases`) asked again for its migrations:
that takes a connection, and a third of a short test's set-up.
"""

from __future__ import annotations

import sqlite3
from functools import cache

import pytest

from store.engines import postgres, postgres_schema, sqlite_file, sqlite_schema
from tests.helpers.databases import CURRENT

_migrate = sqlite_schema.migrate
_steps = tuple(sqlite_schema.MIGRATIONS)


def pytest_configure(config: pytest.Config) -> None:
    """Every store that this process opens, opens this way."""
    sqlite_file.migrate = migrate_by_copy
    postgres.migrate = migrate_unless_current


def migrate_by_copy(connection: sqlite3.Connection, path: str) -> None:
    """Bring the schema up to date, as `sqlite_schema.migrate` does."""
    is_new = connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
    if tuple(sqlite_schema.MIGRATIONS) == _steps and is_new:
        _migrated().backup(connection)
    _migrate(connection, path)


async def migrate_unless_current(url: str, name: str) -> None:
    """Bring the schema up to date, as `postgres_schema.migrate` does."""
    if url not in CURRENT:
        await postgres_schema.migrate(url, name)


@cache
def _migrated() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    _migrate(connection, ":memory:")
    return connection
