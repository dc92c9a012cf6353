"""Copies the tables of a new SQLite store: to run each migration takes fifty times as long.

Several thousand tests open a store that has nothing in it. The first of a process runs the
migrations; the others get its pages. A store that holds a table is migrated as ever, and so is one
in a process that a test starts.
"""

from __future__ import annotations

import sqlite3
from functools import cache

import pytest
from sqlite_utils import Database

from store.engines import sqlite_file

_migrate = sqlite_file.migrate
_steps = tuple(sqlite_file.MIGRATIONS)


def pytest_configure(config: pytest.Config) -> None:
    """Every store that this process opens, opens this way."""
    sqlite_file.migrate = migrate_by_copy


def migrate_by_copy(database: Database, path: str) -> None:
    """Bring the schema up to date, as `sqlite_file.migrate` does."""
    if tuple(sqlite_file.MIGRATIONS) == _steps and not database.table_names():
        _migrated().backup(database.conn)
    _migrate(database, path)


@cache
def _migrated() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    _migrate(Database(connection), ":memory:")
    return connection
