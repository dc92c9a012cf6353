"""Writes, checks and replaces whole SQLite files, all or nothing."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bot.errors import StoreError
from store.admin import invariants
from store.admin.invariants import Broken
from store.admin.transfer import Progress, answer
from store.admin.transfer_sqlite import SqliteEnd
from store.engines.newer_schema import refuse_newer
from store.engines.sqlite_file import claimed, explain, is_full, lock_path
from store.engines.tables import LEASES, steps

_SIDECARS = ("-wal", "-shm", "-journal")
_PAGES = 512  # in a step of a backup: 2 MiB


@dataclass(frozen=True, slots=True)
class Examined:
    """A sound store file: the steps of its schema, and the invariants that do not hold in it."""

    steps: list[str]
    broken: tuple[Broken, ...]


@contextmanager
def alone(file: Path) -> Iterator[bool]:
    """True while this process alone has the file and no bot can start on it; False if a bot has
    it."""
    with ExitStack() as stack:
        lock = lock_path(file)
        is_new = not lock.exists()
        try:
            stack.enter_context(claimed(str(file)))
        except StoreError as error:
            if not isinstance(error.__cause__, BlockingIOError):
                raise
            yield False
            return
        if is_new and file.exists():
            _give_to_owner_of(file, lock)
        yield True


@contextmanager
def written_beside(file: Path) -> Iterator[Path]:
    """Yield an empty `<file>.partial` for this process alone; delete it at the end, unless it was
    put in place.

    StoreError when another process writes one, or the folder takes none.
    """
    partial = Path(f"{file}.partial")
    try:
        handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise explain(error, str(partial)) from error
    try:
        # A lock of another kind: closing its handle does not release SQLite's lock.
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _being_written(file) from error
        if not _is(partial, handle):  # it was put in place a moment ago
            raise _being_written(file)
        os.ftruncate(handle, 0)  # a killed process may have left it
        os.fchmod(handle, 0o600)
        _forget_sidecars(partial)
        try:
            yield partial
        finally:
            if _is(partial, handle):
                partial.unlink()
                _forget_sidecars(partial)
    finally:
        os.close(handle)


def copy_pages(source: Path, partial: Path, progress: Progress, stage: str) -> None:
    """Copy the whole file as it is now, without blocking other writers.

    Leases stay behind. The copy is one file, without a write-ahead log.
    """
    try:
        with closing(_opened(source)) as there, closing(sqlite3.connect(partial)) as here:
            # A snapshot: without it each write by another process restarts the copy.
            there.execute("BEGIN")
            there.execute("SELECT 1 FROM sqlite_master").fetchone()
            done = 0

            def on_pages(_: int, remaining: int, total: int) -> None:
                nonlocal done
                if not done:
                    progress.begin(stage, total, "pages")
                progress.advance(total - remaining - done)
                done = total - remaining

            there.backup(here, pages=_PAGES, progress=on_pages, sleep=0)
            here.isolation_level = None
            here.execute("PRAGMA journal_mode = DELETE")
            here.execute("PRAGMA synchronous = OFF")  # it is synced as a whole
            for table in LEASES:
                with suppress(sqlite3.OperationalError):  # another schema has none
                    here.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
    except sqlite3.Error as error:
        if is_full(error):  # the source is only read
            raise StoreError(
                f"The disk of {partial.parent} is full.",
                permanent=False,
                remedy=f"Make room there; {source} was only read.",
            ) from error
        raise explain(error, str(source)) from error


def examine(file: Path, progress: Progress, *, what: str) -> Examined:
    """Check a whole file. `what` names it in messages. StoreError says what is wrong with it."""
    progress.begin("checking", 0, "")
    try:
        with closing(_opened(file)) as connection:
            end = SqliteEnd(connection, str(file))
            connection.execute("PRAGMA query_only = ON")
            damage = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if damage != "ok":
                raise sqlite3.DatabaseError(damage)
            seen = end.steps()
            if not seen and not _is_ours(end):
                raise StoreError(
                    f"{file} is not a store of sopbot.",
                    permanent=True,
                    remedy=f"Name {what} that `python -m bot store backup` made.",
                )
            refuse_newer(seen, f"{what.capitalize()} {file}")
            violations = answer(end, invariants.broken()) if seen == steps() else []
            return Examined(seen, tuple(violations))
    except sqlite3.OperationalError as error:
        raise explain(error, str(file)) from error
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{file} is damaged, or no SQLite file ({error}).",
            permanent=True,
            remedy="Nothing was changed. Use an older backup.",
        ) from error


def put_in_place(partial: Path, file: Path) -> None:
    """Give the file its final name, so that it survives a power cut."""
    _sync(partial)
    partial.replace(file)
    _sync(file.parent)


def put_store_in_place(partial: Path, file: Path, keep: Path | None) -> None:
    """Replace a store that no process has open; `keep` is the new name of the present one, if any.

    The caller holds it alone. Its owner and mode remain.
    """
    if file.exists():
        _give_to_owner_of(file, partial)
        partial.chmod(file.stat().st_mode & 0o777)
        if keep:  # both copies are complete before one is removed
            for end in ("-journal", "-wal", ""):
                if Path(f"{file}{end}").exists():
                    _twice(Path(f"{file}{end}"), Path(f"{keep}{end}"))
        # Were its log left here, SQLite would play it into the new file.
        _forget_sidecars(file)
    put_in_place(partial, file)


def give_back(file: Path) -> int:
    """Return the file's free pages to the disk. Returns how many bytes.

    The caller holds it alone, or the file was vacuumed before: then it is done page by page.
    """
    before = file.stat().st_size
    with alone(file) as nobody_else:
        try:
            with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as connection:
                if nobody_else:
                    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # for the next time
                    connection.execute("VACUUM")
                else:
                    # Not `execute`, which takes one step of it: one page.
                    connection.executescript("PRAGMA incremental_vacuum")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise explain(error, str(file)) from error
    return max(0, before - file.stat().st_size)


def _opened(file: Path) -> sqlite3.Connection:
    """Return a connection to an existing file; never create one."""
    if not file.is_file():
        raise StoreError(f"There is no file {file}.", permanent=True, remedy="Check its name.")
    try:
        return sqlite3.connect(
            f"file:{quote(str(file))}?mode=rw", uri=True, timeout=10, isolation_level=None
        )
    except sqlite3.Error as error:
        raise explain(error, str(file)) from error


def _is_ours(end: SqliteEnd) -> bool:
    """Return whether the file is a new store without migrations."""
    return bool(end.ask("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'"))


def _twice(file: Path, other: Path) -> None:
    try:
        other.hardlink_to(file)
    except OSError:  # a file system without links
        shutil.copy2(file, other)


def _give_to_owner_of(file: Path, other: Path) -> None:
    """If root runs the command, the bot's user must still be able to write."""
    if os.geteuid() == 0:
        owner = file.stat()
        os.chown(other, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _is(path: Path, handle: int) -> bool:
    """Return whether that name is still the open file's."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _being_written(file: Path) -> StoreError:
    return StoreError(
        f"Another process is writing {file} at this moment.", remedy="Wait for it to end."
    )


def _forget_sidecars(file: Path) -> None:
    for end in _SIDECARS:
        Path(f"{file}{end}").unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
