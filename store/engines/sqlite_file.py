"""Opens, checks and migrates one SQLite file, and explains its failures."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.errors import StoreError
from store.engines.sqlite_schema import migrate

SIZE = (
    "SELECT (page_count - freelist_count) * page_size AS bytes"
    " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)

_QUICK = 0.5  # seconds of a start for looking at the file; 100,000 alerts take a tenth to a quarter
_LOG_KEEPS = 64 << 20  # bytes that the write-ahead log keeps of the disk once it is folded in
_LITTLE = 64 << 10  # bytes: with less than that left, SQLite's "I/O error" is a full disk
_FULL_ERRNO = (errno.ENOSPC, errno.EDQUOT)


def lock_path(path: str | Path) -> Path:
    """Return the path of a file's lock; every link to the file has the same lock."""
    return Path(f"{os.path.realpath(path)}.lock")


@contextmanager
def claimed(path: str) -> Iterator[None]:
    """Hold the file for this process alone, by a lock on `<path>.lock`, which stays behind.

    The system releases the lock when the process ends, also when it is killed. StoreError when
    another
    process holds it.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(lock_path(path), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise explain(error, path) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise explain(sqlite3.OperationalError("locked"), path) from error
        except OSError as error:
            raise explain(error, path) from error
        yield
    finally:
        os.close(lock)


def connect(path: str, busy_timeout: float, *, writes: bool) -> sqlite3.Connection:
    """A connection: WAL, full sync, foreign keys; the schema up to date.

    Any thread may use it, one at a time.

    A file that cannot be used, for the disk being full too, is an error here: the bot ends with it
    and its supervisor tries again. A bot that ran without a store could acknowledge nothing, and
    a process that is not there is what everybody notices.
    """
    try:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if writes and not Path(path).exists():  # what alerts say is not for everybody here
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(
            path, timeout=busy_timeout, isolation_level=None, check_same_thread=False
        )
    except (sqlite3.Error, OSError) as error:
        raise explain(error, path) from error
    try:
        connection.row_factory = sqlite3.Row
        if not writes:
            connection.execute("PRAGMA query_only = ON")
            # Opened now, log and all: reading then goes on even when the file loses its name.
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            return connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_KEEPS}")
        _look_quickly(connection)
        migrate(connection, path)
        # A file that can only be read would open, and then fail at the first alert.
        connection.execute("UPDATE deliveries SET seen_at = seen_at WHERE key = ''")
    except sqlite3.Error as error:
        connection.close()
        raise explain(error, path) from error
    except StoreError:
        connection.close()
        raise
    return connection


def _look_quickly(connection: sqlite3.Connection) -> None:
    """Return a fault that half a second can find; `sqlite_watch.Inspection` finds the others."""
    timer = threading.Timer(_QUICK, connection.interrupt)
    timer.start()
    try:
        says = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        timer.cancel()
        timer.join()  # else it could interrupt the next statement
    if says != "ok":
        raise sqlite3.DatabaseError(f"malformed: {says}")


def make_room(connection: sqlite3.Connection) -> None:
    """Fold the write-ahead log into the file, as far as nobody reads what it holds.

    SQLite does so after a commit. On a full disk there is none any more, and a log that a long
    reader made grow would lie in its own way for ever.
    """
    with suppress(sqlite3.Error):  # the file itself may have to grow
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def is_full(error: Exception) -> bool:
    """Return whether SQLite itself says that there is no room."""
    return _code(error) == sqlite3.SQLITE_FULL


def is_locked(error: Exception) -> bool:
    """Return whether another process held the file for longer than the busy timeout."""
    return _code(error) == sqlite3.SQLITE_BUSY


def is_interrupted(error: Exception) -> bool:
    """Return True if the progress handler ended a statement."""
    return _code(error) == sqlite3.SQLITE_INTERRUPT


def is_damage(error: Exception) -> bool:
    """Return whether the file's content is at fault, so that no other try can help."""
    result = str(error).startswith("malformed")
    return result or _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _code(error: Exception) -> int | None:
    """SQLite's primary result code, where there is one: the low byte of the extended one."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def explain(error: Exception, path: str) -> StoreError:
    """Return what is wrong with the file, and what to do about it."""
    text = " ".join(str(error).split())
    if "locked" in text:
        what = "is in use by another process"
        remedy = "One bot a file: stop the other one, or use another STORE_URL."
    elif is_full(error) or _no_room(error, path):
        what = "cannot grow: the disk is full"
        remedy = "Make room; what was not acknowledged is delivered again."
    elif is_damage(error):
        what = f"is damaged or not a sopbot store ({text})"
        remedy = "Restore a backup, or move the file away to start anew."
    elif "unable to open" in text or isinstance(error, OSError):
        what = f"cannot be opened ({text})"
        remedy = "STORE_URL must name a file in a folder that this user may write."
    elif "readonly" in text:
        what = "cannot be written"
        remedy = "Check the owner and mode of the file and of its folder."
    else:
        what = f"failed: {text}"
        remedy = "Check the disk; what was not acknowledged is delivered again."
    return StoreError(f"The store {path} {what}.", permanent=False, remedy=remedy)


def _no_room(error: Exception, path: str) -> bool:
    """Return whether a full disk is behind an error that does not say so.

    The index of the log (-shm) has to grow too, and SQLite calls that an I/O error.
    """
    if isinstance(error, OSError):
        return error.errno in _FULL_ERRNO
    if _code(error) not in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) or path == ":memory:":
        return False
    try:
        disk = os.statvfs(Path(path).parent)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _LITTLE
