"""Watches an open SQLite file: it may be moved, emptied or damaged, or its log may grow."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from bot.errors import StoreError
from store.engines.sqlite_file import explain, is_damage

log = logging.getLogger(__name__)

_PARTS = ("", "-wal", "-shm")  # SQLite keeps all three while any process has the file open
_LARGE_LOG = 256 << 20  # bytes; at ease it stays below a few MiB, see `keep_log_short`


class Watch:
    """Checks before each commit whether the file may still be written.

    One for all threads of an engine. An opened file stays open when its name is deleted: SQLite
    would keep writing into a file that has no name.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._known: dict[str, os.stat_result] = {}
        self._large_log = _LARGE_LOG
        self._damage: StoreError | None = None

    def begin(self) -> None:
        """Remember the files as they are now: a connection has just opened and written them."""
        if self._path != ":memory:":
            parts = (Path(self._path + end) for end in _PARTS)
            self._known = {str(part): part.stat() for part in parts if part.exists()}

    def check(self) -> None:
        """StoreError if the file has lost its name: a write could not be found again."""
        if self._damage:
            raise self._damage
        for part, before in self._known.items():
            try:
                now = os.stat(part)  # noqa: PTH116 - this runs before each commit
            except FileNotFoundError as error:
                raise _gone(part) from error
            except OSError as error:
                raise explain(error, part) from error
            if not os.path.samestat(before, now):
                raise _gone(part)
            if part.endswith("-wal"):
                self._weigh(now.st_size)
            elif not now.st_size:
                raise StoreError(
                    f"The store's file {part} was emptied while the bot uses it;"
                    " nothing is written.",
                    remedy="Stop the bot, restore a backup and start it again.",
                )

    def damaged(self, error: StoreError) -> None:
        """Refuse all writes from now on: a damaged file may not be readable."""
        self._damage = self._damage or error

    def _weigh(self, size: int) -> None:
        if size < _LARGE_LOG:
            self._large_log = _LARGE_LOG
        elif size >= self._large_log:
            self._large_log = 2 * size  # the next line is due at twice the size
            log.warning(
                "the log of the store %s has grown to %d MiB: it is not folded in while another"
                " program reads an old state. If that goes on, `fuser %s` names it: end it",
                self._path,
                size >> 20,
                self._path,
            )


def _gone(name: str) -> StoreError:
    return StoreError(
        f"The store's file {name} was moved, deleted or replaced while the bot uses it;"
        " nothing is written.",
        remedy="Put it back, or stop the bot, restore a backup and start it again.",
    )


class Inspection:
    """A thorough look at the whole file, once, beside everything else.

    A start has no time for it: see `sqlite_file.connect`. `found` is called in its thread, with
    what is wrong, if anything is.
    """

    def __init__(self, path: str, on_damage: Callable[[StoreError], None]) -> None:
        self._path = path
        self._on_damage = on_damage
        self._stopped = False
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._check, name=f"inspect-{path}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End it, finished or not."""
        self._stopped = True
        while self._thread.is_alive():
            if connection := self._connection:
                connection.interrupt()
            self._thread.join(0.05)  # once more: the statement may not have begun yet

    def _check(self) -> None:
        try:
            with closing(self._open()) as connection:
                self._connection = connection
                if not self._stopped:
                    says = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
                    if says != "ok":
                        raise sqlite3.DatabaseError(f"malformed: {says}")
                self._connection = None
        except sqlite3.Error as error:
            self._connection = None
            if self._stopped:
                return
            if is_damage(error):
                self._on_damage(explain(error, self._path))
            else:
                log.warning("the store %s was not inspected: %s", self._path, error)
        else:
            log.debug("the store %s is sound", self._path)

    def _open(self) -> sqlite3.Connection:
        # Opens it for reading, and never creates the file.
        return sqlite3.connect(
            f"file:{quote(self._path)}?mode=ro", uri=True, timeout=10, isolation_level=None
        )
