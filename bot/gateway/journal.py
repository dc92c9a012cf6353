"""The journal of executions, written before they run: one SQLite file, one thread,
synchronous=FULL.

A gateway that was killed in the middle finds its running rows here and sets their outcome to
unknown; it never runs them again.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar

from bot.gateway import state_dir
from bot.gateway.errors import ConfigError, Refusal
from bot.remediation.contract import SIGNATURE_WINDOW_SECONDS, rfc3339

T = TypeVar("T")
State = Literal["running", "finished", "unknown"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS executions (
  source_id TEXT NOT NULL, key TEXT NOT NULL, request_id TEXT NOT NULL, body_hash TEXT NOT NULL,
  action TEXT NOT NULL, target TEXT NOT NULL, digest TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'unknown')),
  received_at TEXT NOT NULL, finished_at TEXT, answer TEXT,
  PRIMARY KEY (source_id, key)) STRICT;
CREATE INDEX IF NOT EXISTS executions_by_key ON executions (key);
CREATE INDEX IF NOT EXISTS executions_by_time ON executions (received_at);
CREATE TABLE IF NOT EXISTS barred (
  source_id TEXT NOT NULL, key TEXT NOT NULL, barred_at TEXT NOT NULL,
  PRIMARY KEY (source_id, key)) STRICT;
CREATE TABLE IF NOT EXISTS nonces (
  source_id TEXT NOT NULL, nonce TEXT NOT NULL, forget_at TEXT NOT NULL,
  PRIMARY KEY (source_id, nonce)) STRICT;
CREATE INDEX IF NOT EXISTS nonces_by_time ON nonces (forget_at);
CREATE TABLE IF NOT EXISTS children (
  target TEXT PRIMARY KEY, pid INTEGER NOT NULL, started TEXT NOT NULL) STRICT;
PRAGMA user_version = 1;
"""
_COLUMNS = (
    "source_id, key, request_id, body_hash, action, target, state, received_at, finished_at, answer"
)


@dataclass(frozen=True, slots=True)
class Execution:
    """One row. `answer` is the stored answer's JSON, empty while it runs."""

    source_id: str
    key: str
    request_id: str
    body_hash: str
    action: str
    target: str
    state: State
    received_at: str
    finished_at: str
    answer: str


@dataclass(frozen=True, slots=True)
class Child:
    """A process of an earlier gateway.

    `started` distinguishes it from another with the same pid.
    """

    target: str
    pid: int
    started: str


class Journal:
    """Open with `open`; every method is one transaction on the journal's own thread."""

    def __init__(self, connection: sqlite3.Connection, pool: ThreadPoolExecutor, lock: int) -> None:
        self._db = connection
        self._pool = pool
        self._lock = lock

    @classmethod
    async def open(cls, folder: Path) -> Journal:
        """Create or open `folder`/journal.db. ConfigError when it cannot be used or is in use."""
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        loop = asyncio.get_running_loop()
        try:
            connection, lock = await loop.run_in_executor(pool, _connect, folder)
        except (OSError, sqlite3.Error) as error:
            pool.shutdown()
            raise ConfigError([f"state_dir: {folder} cannot be used: {error}"]) from error
        except ConfigError:
            pool.shutdown()
            raise
        return cls(connection, pool, lock)

    async def close(self) -> None:
        """Write everything back and release the lock for the next gateway."""
        await self._run(self._db.close)
        self._pool.shutdown()
        os.close(self._lock)

    async def begin(self, row: Execution, digest: str) -> Execution | None:
        """Write a running row, or return the row that already has this source and key.

        Refusal 409 when a look-up has barred the key.
        """

        def write() -> Execution | None:
            with self._db:
                if self._db.execute(
                    "SELECT 1 FROM barred WHERE source_id = ? AND key = ?",
                    (row.source_id, row.key),
                ).fetchone():
                    raise Refusal(
                        409,
                        "key_barred",
                        "A look-up found that nothing had run under this key, and barred it."
                        " Nothing was run.",
                    )
                inserted = self._db.execute(
                    "INSERT OR IGNORE INTO executions (source_id, key, request_id, body_hash,"
                    " action, target, digest, state, received_at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, 'running', ?)",
                    (
                        row.source_id,
                        row.key,
                        row.request_id,
                        row.body_hash,
                        row.action,
                        row.target,
                        digest,
                        row.received_at,
                    ),
                ).rowcount
            return None if inserted else self._find(row.key, row.source_id)

        return await self._run(write)

    async def finish(self, row: Execution, answer: str, at: datetime) -> None:
        """End a running row, with the answer that every repeat will get."""

        def write() -> None:
            with self._db:
                self._db.execute(
                    "UPDATE executions SET state = 'finished', finished_at = ?, answer = ?"
                    " WHERE source_id = ? AND key = ? AND state = 'running'",
                    (rfc3339(at), answer, row.source_id, row.key),
                )

        await self._run(write)

    async def give_back(self, row: Execution) -> None:
        """Delete a running row of which nothing was begun, so that its key can be used again."""

        def write() -> None:
            with self._db:
                self._db.execute(
                    "DELETE FROM executions"
                    " WHERE source_id = ? AND key = ? AND request_id = ? AND state = 'running'",
                    (row.source_id, row.key, row.request_id),
                )

        await self._run(write)

    async def find(self, key: str, source_id: str | None) -> Execution | None:
        """Return the execution of that key; of any source (the newest) when `source_id` is None."""
        return await self._run(lambda: self._find(key, source_id))

    async def find_or_bar(self, key: str, source_id: str, now: datetime) -> Execution | None:
        """Return the execution of that key.

        None: nothing will ever run under it, because it is barred.
        """

        def write() -> Execution | None:
            with self._db:
                row = self._find(key, source_id)
                if row is None:
                    self._db.execute(
                        "INSERT OR IGNORE INTO barred VALUES (?, ?, ?)",
                        (source_id, key, rfc3339(now)),
                    )
            return row

        return await self._run(write)

    async def give_up_running(self, at: datetime, answer_for: Callable[[Execution], str]) -> int:
        """Set the outcome of every running row to unknown. Returns the number of rows."""

        def write() -> int:
            with self._db:
                rows = self._db.execute(
                    f"SELECT {_COLUMNS} FROM executions WHERE state = 'running'"  # noqa: S608 - constant
                ).fetchall()
                for row in map(_execution, rows):
                    self._db.execute(
                        "UPDATE executions SET state = 'unknown', finished_at = ?, answer = ?"
                        " WHERE source_id = ? AND key = ?",
                        (rfc3339(at), answer_for(row), row.source_id, row.key),
                    )
            return len(rows)

        return await self._run(write)

    async def claim_nonce(self, source_id: str, nonce: str, now: datetime) -> bool:
        """Return True the first time; a nonce is kept until no timestamp could make it
        valid again.
        """

        def write() -> bool:
            # A timestamp may lie one window ahead and is accepted one window after.
            forget_at = now + timedelta(seconds=3 * SIGNATURE_WINDOW_SECONDS)
            with self._db:
                self._db.execute("DELETE FROM nonces WHERE forget_at < ?", (rfc3339(now),))
                return bool(
                    self._db.execute(
                        "INSERT OR IGNORE INTO nonces VALUES (?, ?, ?)",
                        (source_id, nonce, rfc3339(forget_at)),
                    ).rowcount
                )

        return await self._run(write)

    async def prune(self, before: datetime) -> int:
        """Delete ended executions received before then. Returns their number."""

        def write() -> int:
            with self._db:
                self._db.execute("DELETE FROM barred WHERE barred_at < ?", (rfc3339(before),))
                return self._db.execute(
                    "DELETE FROM executions WHERE received_at < ? AND state <> 'running'",
                    (rfc3339(before),),
                ).rowcount

        return await self._run(write)

    async def check(self) -> None:
        """Write something; raises sqlite3.Error when the disk refuses it."""

        def write() -> None:
            with self._db:
                self._db.execute("PRAGMA user_version = 1")

        await self._run(write)

    async def children(self) -> list[Child]:
        """List the processes that earlier gateways started and did not end."""
        return await self._run(
            lambda: [
                Child(*row) for row in self._db.execute("SELECT target, pid, started FROM children")
            ]
        )

    async def put_child(self, child: Child) -> None:
        """Remember a started process."""

        def write() -> None:
            with self._db:
                self._db.execute(
                    "INSERT OR REPLACE INTO children VALUES (?, ?, ?)",
                    (child.target, child.pid, child.started),
                )

        await self._run(write)

    async def drop_child(self, target: str) -> None:
        """Delete a child whose process group has ended."""

        def write() -> None:
            with self._db:
                self._db.execute("DELETE FROM children WHERE target = ?", (target,))

        await self._run(write)

    def _find(self, key: str, source_id: str | None) -> Execution | None:
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM executions WHERE key = ? AND (? IS NULL OR source_id = ?)"  # noqa: S608 - constant
            " ORDER BY received_at DESC LIMIT 1",
            (key, source_id, source_id),
        ).fetchone()
        return _execution(row) if row else None

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _execution(row: tuple[str | None, ...]) -> Execution:
    return Execution(*(value or "" for value in row))  # type: ignore[arg-type]  # state is CHECKed


def _connect(folder: Path) -> tuple[sqlite3.Connection, int]:
    state_dir.prepare(folder)
    # Two gateways on one journal would treat each other's running rows as interrupted.
    lock = state_dir.open_file(folder / "journal.lock", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file = folder / "journal.db"
        # The journal holds outputs. SQLite gives its own files the same mode, and would follow a
        # link.
        for name in (file, *(p for s in ("-wal", "-shm") if (p := Path(f"{file}{s}")).exists())):
            os.close(state_dir.open_file(name, os.O_RDWR))
        connection = sqlite3.connect(file)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA busy_timeout = 2000")
            if connection.execute("PRAGMA user_version").fetchone()[0] > 1:
                raise ConfigError([f"state_dir: {file} was written by a newer gateway"])
            connection.executescript(_SCHEMA)
        except BaseException:
            connection.close()
            raise
    except BlockingIOError:
        os.close(lock)
        raise ConfigError([f"state_dir: another gateway is using {folder}"]) from None
    except BaseException:
        os.close(lock)
        raise
    return connection, lock
