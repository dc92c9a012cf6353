"""The minimal cost of a durable write: one row, one fsync; or grouped, one fsync for many."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

_INSERT = "INSERT INTO rows (body) VALUES (?)"
_GROUP = 256


def open_rows(path: str | Path) -> sqlite3.Connection:
    """Open a database with one table, as durable as the bot's own: WAL, synchronous=FULL."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body TEXT)")
    return connection


def one_by_one(connection: sqlite3.Connection, body: str, count: int) -> list[float]:
    """Return the seconds of each of `count` inserts, each its own fsynced commit."""
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        connection.execute(_INSERT, (body,))
        taken.append(time.perf_counter() - began)
    return taken


class GroupedWriter:
    """A thread that commits all waiting rows together."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[tuple[str, asyncio.Future[None]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    async def write(self, body: str) -> None:
        """Return once the row is on the disk."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._jobs.put((body, future))
        await future

    def _run(self) -> None:
        connection = open_rows(self._path)
        while (job := self._jobs.get()) is not None:
            jobs = [job]
            while len(jobs) < _GROUP:
                try:
                    more = self._jobs.get_nowait()
                except Empty:
                    break
                if more is not None:
                    jobs.append(more)
            connection.execute("BEGIN")
            connection.executemany(_INSERT, [(body,) for body, _ in jobs])
            connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(_settle, [future for _, future in jobs])


def _settle(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
