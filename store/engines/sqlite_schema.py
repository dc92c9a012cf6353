"""The schema of an SQLite file: one process at a time brings it up to date.

The table of the migrations is the one that `sqlite_utils.Migrations` makes, so its command line
reads it. The library itself is not imported: it loads numpy where that is installed, and half of
what the start of the bot took was imports.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime

from store.engines.migrations import MIGRATIONS, Migration, name_of, statements_of
from store.engines.newer_schema import refuse_newer

SCHEMA = "SELECT name FROM _sqlite_migrations WHERE migration_set = 'sopbot' ORDER BY id"
"""The steps that a file has seen, in order."""

_RECORDS = (
    (
        'CREATE TABLE "_sqlite_migrations" (\n'
        '   "id" INTEGER PRIMARY KEY,\n'
        '   "migration_set" TEXT,\n'
        '   "name" TEXT,\n'
        '   "applied_at" TEXT\n'
        ")"
    ),
    (
        'CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"\n'
        '    ON "_sqlite_migrations" ("migration_set", "name")'
    ),
)


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Run the missing migrations, all in one transaction. sqlite3.Error; StoreError when newer code
    wrote the file.

    The file's own lock lets one process do it at a time.
    """
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        applied = _applied(connection)
        refuse_newer(applied, path)
        for migration in MIGRATIONS:
            if name_of(migration) not in applied:
                _apply(connection, migration)


def _applied(connection: sqlite3.Connection) -> list[str]:
    """Return the steps that the file has seen; make their table in a new file."""
    tables = "SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'"
    if connection.execute(tables).fetchone() is None:
        for statement in _RECORDS:
            connection.execute(statement)
    return [row[0] for row in connection.execute(SCHEMA)]


def _apply(connection: sqlite3.Connection, migration: Migration) -> None:
    # Not `executescript`, which commits before it begins.
    for statement in statements_of(migration):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('sopbot', ?, ?)",
        (name_of(migration), str(datetime.now(UTC))),
    )
