"""Backs a whole store of either engine up into one SQLite file, and restores it.

All or nothing, as in `store.admin.moves`.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from bot.errors import StoreError
from store.admin import files
from store.admin.invariants import Broken
from store.admin.locations import file_of, reading
from store.admin.moves import in_use, same, server_for
from store.admin.transfer import End, Progress, is_empty, size_of, transfer
from store.admin.transfer_sqlite import SqliteEnd
from store.engines.sqlite_file import connect
from store.engines.tables import kept, steps


@dataclass(frozen=True, slots=True)
class BackedUp:
    """The result of `backup`. The store breaks the invariants in `broken` too."""

    rows: int
    size: int
    broken: tuple[Broken, ...]


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of `restore`. `kept` is the path of the former file; `migrated` the steps done."""

    rows: int
    kept: Path | None
    migrated: tuple[str, ...]
    broken: tuple[Broken, ...]


def backup(url: str, file: Path, progress: Progress, *, force: bool = False) -> BackedUp:
    """Write the whole store of either engine into one SQLite file; its bot may be running.

    `force` replaces a file of that name.
    """
    source = file_of(url)
    target = file.resolve()
    if not target.parent.is_dir():
        raise StoreError(f"There is no folder {target.parent}.", remedy="Make it first.")
    if source and target == source.resolve():
        raise StoreError(f"{file} is the store itself.", remedy="Name another file.")
    _refuse_overwriting(target, force=force)
    with files.written_beside(target) as partial:
        if source:
            files.copy_pages(source, partial, progress, "copying")
        else:
            with reading(url) as server, SqliteEnd.making(partial) as one_file:
                transfer(server, one_file, progress)
                one_file.commit()
        result = files.examine(partial, progress, what="the backup")
        rows = _rows_of(partial) if result.steps == steps() else 0
        _refuse_overwriting(target, force=force)
        progress.decide()
        files.put_in_place(partial, target)
    return BackedUp(rows, target.stat().st_size, result.broken)


def restore(file: Path, url: str, progress: Progress, *, replace: bool = False) -> Restored:
    """Make the store equal to the backup, and migrate it. No bot may run on it.

    New incidents are numbered after the last one of both, so a number that Slack shows (INC-142)
    never names another incident.

    A present SQLite file stays beside it; a server's database must be empty, or `replace`.
    """
    target = file_of(url)
    if target and target.exists() and file.exists() and target.samefile(file):
        raise same(str(file))
    result = files.examine(file, progress, what="the backup")
    missing = tuple(step for step in steps() if step not in result.steps)
    if target:
        rows, beside = _restore_file(file, target, progress)
        return Restored(rows, beside, missing, result.broken)
    with ExitStack() as stack:
        ready = file
        if missing:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sopbot-restore-"))
            ready = Path(folder) / "migrated.db"
            files.copy_pages(file, ready, progress, "reading the backup")
            connect(str(ready), 10, writes=True).close()
        source = stack.enter_context(SqliteEnd.reading(ready))
        server = stack.enter_context(server_for(source, url))
        if not replace and not is_empty(server):
            raise StoreError(
                f"{server.name} is not empty.",
                permanent=True,
                remedy="Back it up, then `--replace` puts the backup in place of all it holds.",
            )
        known = _last_number(server)
        server.clear()
        moved = transfer(source, server, progress)
        server.go_on_after(known)
        progress.decide()
        server.commit()
    return Restored(moved.total, None, missing, moved.broken)


def _restore_file(file: Path, target: Path, progress: Progress) -> tuple[int, Path | None]:
    real = target.resolve()
    with files.alone(target) as nobody_else:
        if not nobody_else:
            raise in_use(str(target))
        with files.written_beside(real) as partial:
            files.copy_pages(file, partial, progress, "restoring")
            with closing(connect(str(partial), 10, writes=True)) as store:
                SqliteEnd(store, str(partial)).go_on_after(_last_number_in(real))
            files.examine(partial, progress, what="the restored store")
            rows = _rows_of(partial)
            beside = _free_name(real) if real.exists() else None
            progress.decide()
            files.put_store_in_place(partial, real, beside)
    return rows, beside


def _last_number(end: End) -> int:
    return int(end.ask("SELECT COALESCE(MAX(id), 0) AS n FROM incidents")[0]["n"])


def _last_number_in(file: Path) -> int:
    """Return the last incident number of the replaced file; 0 if it cannot be read."""
    try:
        # Opened for reading only: closing a damaged file would delete its log, which is kept too.
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as present:
            return _last_number(SqliteEnd(present, str(file)))
    except (sqlite3.Error, StoreError):
        return 0


def _rows_of(file: Path) -> int:
    with SqliteEnd.reading(file) as end:
        return sum(size_of(end, table) for table in kept())


def _free_name(file: Path) -> Path:
    """Return an unused name for the present store's file."""
    name = f"{file.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    beside, number = file.with_name(name), 1
    while beside.exists():
        number += 1
        beside = file.with_name(f"{name}-{number}")
    return beside


def _refuse_overwriting(file: Path, *, force: bool) -> None:
    if file.is_dir() or (file.exists() and not force):
        raise StoreError(
            f"{file} is there already.",
            permanent=True,
            remedy="Name another file; `--force` replaces it.",
        )
