"""The tables that a test copies are the tables that the migrations make."""

from __future__ import annotations

import sqlite3

import pytest

from store.engines import sqlite_schema
from store.engines.migrations import MIGRATIONS
from tests.copied_schema import _migrate, migrate_by_copy, migrate_unless_current
from tests.helpers.databases import PostgresDatabase

WHOLE = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"


def database() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def schema(of: sqlite3.Connection) -> list[tuple[str, ...]]:
    return [tuple(row) for row in of.execute(WHOLE)]


def test_a_copied_schema_is_the_migrated_one() -> None:
    copied, migrated = database(), database()
    migrate_by_copy(copied, "copied")
    _migrate(migrated, "migrated")
    assert schema(copied) == schema(migrated)
    assert len(schema(copied)) > len(MIGRATIONS)


def test_a_store_that_holds_a_table_is_migrated_and_not_copied() -> None:
    held = database()
    held.execute("CREATE TABLE somebodys AS SELECT 1 AS kept")
    migrate_by_copy(held, "held")
    assert held.execute("SELECT kept FROM somebodys").fetchall() == [(1,)]
    assert held.execute("SELECT COUNT(*) FROM incidents").fetchone() == (0,)


def test_other_migrations_are_run_and_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_schema, "MIGRATIONS", MIGRATIONS[:1])
    first, all_of_them = database(), database()
    migrate_by_copy(first, "first")
    monkeypatch.undo()
    _migrate(all_of_them, "all")
    assert 0 < len(schema(first)) < len(schema(all_of_them))


async def test_a_changed_postgresql_database_is_migrated_and_an_emptied_one_is_not_asked(
    own_database: PostgresDatabase,
) -> None:
    taken = "DELETE FROM sopbot_migrations RETURNING 1"
    own_database.empty()
    assert len(own_database.rows(taken)) == len(MIGRATIONS)
    await migrate_unless_current(own_database.url, "emptied")
    assert own_database.rows("SELECT name FROM sopbot_migrations") == []
    own_database.tamper("DROP SCHEMA public CASCADE")
    own_database.tamper("CREATE SCHEMA public")
    await migrate_unless_current(own_database.url, "changed")
    assert len(own_database.rows("SELECT name FROM sopbot_migrations")) == len(MIGRATIONS)
