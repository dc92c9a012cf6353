"""One SQLite file: opened, checked, brought up to date, and its failures in words."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

from sqlite_utils import Database, Migrations

from bot.errors import StoreError
from store.migrations import MIGRATIONS, Migration, refuse_newer, statements_of

SCHEMA = "SELECT name FROM _sqlite_migrations WHERE migration_set = 'sopbot' ORDER BY id"
"""The steps that a file has seen, in order."""


@contextmanager
def claimed(path: str) -> Iterator[None]:
    """Hold the file for this process alone, by a lock on `<path>.lock`, which stays behind.

    The system gives the lock free when the process ends, however it ends. StoreError when another
    process holds it.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
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
    """A connection on this thread: WAL, full sync, foreign keys; the schema up to date."""
    try:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)
    except (sqlite3.Error, OSError) as error:
        raise explain(error, path) from error
    try:
        connection.row_factory = sqlite3.Row
        if not writes:
            connection.execute("PRAGMA query_only = ON")
            return connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise sqlite3.DatabaseError(f"malformed: {damage}")
        migrate(Database(connection), path)
        # A file that can only be read would open, and then fail at the first alert.
        connection.execute("UPDATE deliveries SET seen_at = seen_at WHERE key = ''")
    except sqlite3.Error as error:
        connection.close()
        raise explain(error, path) from error
    except StoreError:
        connection.close()
        raise
    return connection


def migrate(database: Database, path: str) -> None:
    """Bring the schema up to date. The file's own lock lets one process do it at a time."""
    numbered = Migrations("sopbot")
    for migration in MIGRATIONS:
        numbered()(_step(migration))
    database.conn.execute("BEGIN IMMEDIATE")
    with database.conn:
        refuse_newer((step.name for step in numbered.applied(database)), path)
        numbered.apply(database)


def _step(migration: Migration) -> Callable[[Database], None]:
    @wraps(migration)
    def step(database: Database) -> None:
        # Not `executescript`, which commits before it begins.
        for statement in statements_of(migration):
            database.conn.execute(statement)

    return step


def explain(error: Exception, path: str) -> StoreError:
    """What is wrong with the file, and what to do about it."""
    text = str(error)
    if "locked" in text:
        what = "is in use by another process"
        remedy = "One bot a file: stop the other one, or use another STORE_URL."
    elif "malformed" in text or "not a database" in text or "corrupt" in text:
        what = f"is damaged or not a sopbot store ({text})"
        remedy = "Restore a backup, or move the file away to start anew."
    elif "unable to open" in text or isinstance(error, OSError):
        what = f"cannot be opened ({text})"
        remedy = "STORE_URL must name a file in a folder that this user may write."
    elif "readonly" in text:
        what = "cannot be written"
        remedy = "Check the owner and mode of the file and of its folder."
    elif "full" in text:
        what = "cannot grow: the disk is full"
        remedy = "Make room; what was not acknowledged is delivered again."
    else:
        what = f"failed: {text}"
        remedy = "Check the disk; what was not acknowledged is delivered again."
    return StoreError(f"The store {path} {what}.", permanent=False, remedy=remedy)
