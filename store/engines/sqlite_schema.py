"""The schema of an SQLite file: one process at a time brings it up to date.

`sqlite_utils.Migrations` applies the missing steps in one transaction, and keeps the table of those
that a file has seen.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

from store.engines.migrations import MIGRATIONS, Migration, name_of, statements_of
from store.engines.newer_schema import refuse_newer

if TYPE_CHECKING:
    from sqlite_utils import Database

SCHEMA = "SELECT name FROM _sqlite_migrations WHERE migration_set = 'sopbot' ORDER BY id"
"""The steps that a file has seen, in order."""


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Run the missing migrations, all in one transaction. sqlite3.Error; StoreError when newer code
    wrote the file.

    The file's own lock lets one process do it at a time.
    """
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        applied = _applied(connection)
        refuse_newer(applied, path)
        if any(name_of(migration) not in applied for migration in MIGRATIONS):
            _apply_missing(connection)


def _applied(connection: sqlite3.Connection) -> list[str]:
    """Return the steps that the file has seen; none of a new file."""
    tables = "SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'"
    if connection.execute(tables).fetchone() is None:
        return []
    return [row[0] for row in connection.execute(SCHEMA)]


def _apply_missing(connection: sqlite3.Connection) -> None:
    # Imported here: it loads click, and numpy where that is installed, which took a third of a
    # start. A file that is up to date needs none of it.
    from sqlite_utils import Database, Migrations

    numbered = Migrations("sopbot")
    for migration in MIGRATIONS:
        numbered()(_step(migration))
    numbered.apply(Database(connection))


def _step(migration: Migration) -> Callable[[Database], None]:
    @wraps(migration)
    def step(database: Database) -> None:
        # Not `executescript`, which commits before it begins.
        for statement in statements_of(migration):
            database.conn.execute(statement)

    return step
