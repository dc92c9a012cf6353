"""The condition of a store: its place, size, replicas, waiting messages and broken invariants."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.errors import StoreError
from store.admin import files, invariants
from store.admin.invariants import Broken
from store.admin.locations import alive, file_of, reading
from store.admin.transfer import End, answer
from store.engines.newer_schema import refuse_newer
from store.engines.sqlite_file import lock_path
from store.engines.tables import steps, tables
from store.engines.urls import engine_of
from store.operations import outbox, sizes
from store.operations.sizes import Growth


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a store at one moment. `taken`: a bot holds the file; None for a server.

    `size` is in bytes, the log of a file included. `growth` is None until it was measured for two
    days. `free` are the bytes into which a file can grow; None for a server. If the schema is
    `behind`, only the place is known.
    """

    engine: str
    name: str
    size: int
    steps: tuple[str, ...]
    behind: tuple[str, ...]
    taken: bool | None
    rows: dict[str, int]
    replicas: list[tuple[str, datetime, datetime]]
    waiting: int
    given_up: int
    broken: dict[str, Broken]
    growth: Growth | None
    free: int | None


def read_condition(url: str) -> Condition:
    """Read a store in one consistent view; change nothing. StoreError when it cannot be read."""
    file = file_of(url)
    with reading(url) as end:
        seen = end.steps()
        if not seen:
            raise StoreError(
                f"{end.name} is not a sopbot store yet.",
                permanent=True,
                remedy="Check STORE_URL; the bot makes it at its first start, or `store migrate`.",
            )
        refuse_newer(seen, end.name)
        behind = tuple(step for step in steps() if step not in seen)
        waiting, given_up = (0, 0) if behind else answer(end, outbox.backlog())
        return Condition(
            engine="SQLite" if file else "PostgreSQL",
            name=end.name.removeprefix("PostgreSQL "),
            size=_bytes_of(file) if file else _size_there(end),
            steps=tuple(seen),
            behind=behind,
            taken=_is_taken(file) if file else None,
            rows={} if behind else {table.name: _count(end, table.name) for table in tables()},
            replicas=[] if behind else alive(end),
            waiting=waiting,
            given_up=given_up,
            growth=None if behind else answer(end, sizes.growth(engine_of(url), end.clock())),
            free=_free_for(file, end) if file else None,
            broken={} if behind else {b.name: b for b in answer(end, invariants.broken())},
        )


def _count(end: End, table: str) -> int:
    return int(end.ask(f"SELECT COUNT(*) AS n FROM {table}")[0]["n"])  # noqa: S608 - a constant


def _size_there(end: End) -> int:
    return int(end.ask("SELECT pg_database_size(current_database()) AS n")[0]["n"])


def _bytes_of(file: Path) -> int:
    parts = (file, Path(f"{file}-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


def _free_for(file: Path, end: End) -> int:
    """Return the free bytes of the disk and of the file's own free pages."""
    pages = end.ask(
        "SELECT freelist_count * page_size AS n FROM pragma_freelist_count, pragma_page_size"
    )
    return shutil.disk_usage(file.parent).free + int(pages[0]["n"])


def _is_taken(file: Path) -> bool:
    if not lock_path(file).exists():
        return False  # reading must not create one
    with files.alone(file) as nobody_else:
        return not nobody_else
