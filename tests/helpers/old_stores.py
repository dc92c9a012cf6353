"""Stores of older versions of sopbot."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from store.admin import moves


def unborn(file: Path) -> Path:
    """A store that has seen no step of the schema yet: the oldest there can be."""
    moves.migrate(f"sqlite:///{file}")
    with closing(sqlite3.connect(file, isolation_level=None)) as plain:
        names = [
            name
            for (name,) in plain.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
                " AND name != '_sqlite_migrations'"
            )
        ]
        for name in names:
            plain.execute(f"DROP TABLE {name}")
        plain.execute("DELETE FROM _sqlite_migrations")
    return file
