"""Lists the tables that the migrations make, read from the migrations themselves."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter

from store.engines.migrations import MIGRATIONS, name_of, statements_of

LEASES = ("replicas", "claims")
"""Tables that tell which replicas are alive: they mean nothing to another database."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `numbered`: its key is a counter of the database."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    numbered: bool


def steps() -> list[str]:
    """Return the migrations of this code, in order."""
    return [name_of(migration) for migration in MIGRATIONS]


@cache
def tables() -> tuple[Table, ...]:
    """Return every table; a table stands behind those that its rows refer to."""
    with closing(sqlite3.connect(":memory:")) as schema:
        for migration in MIGRATIONS:
            for statement in statements_of(migration):
                schema.execute(statement)
        names = [
            name
            for (name,) in schema.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) !="
                " 'sqlite_' ORDER BY name"
            )
        ]
        parents = {
            name: {row[2] for row in schema.execute(f"PRAGMA foreign_key_list({name})")}
            for name in names
        }
        return tuple(_table(schema, name) for name in TopologicalSorter(parents).static_order())


def kept() -> tuple[Table, ...]:
    """Return the tables that a backup or a move must keep."""
    return tuple(table for table in tables() if table.name not in LEASES)


def _table(schema: sqlite3.Connection, name: str) -> Table:
    columns = schema.execute(f"PRAGMA table_info({name})").fetchall()
    keys = sorted((column for column in columns if column[5]), key=lambda column: int(column[5]))
    return Table(
        name,
        tuple(column[1] for column in columns),
        tuple(column[1] for column in keys),
        numbered=len(keys) == 1 and keys[0][2] == "INTEGER",
    )
