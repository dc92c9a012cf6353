"""The audit file: one JSON line for each thing that the gateway begins, ends or refuses.

A line is on the disk (fsync) before the thing that it announces begins, and each line holds the
SHA-256 of the line before it. `audit_check` finds a line that was changed, removed or added.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from bot.gateway import state_dir
from bot.gateway.errors import AuditUnwritable, ConfigError
from bot.remediation.contract import canonical_json, rfc3339

FIRST = "0" * 64
"""`prev` of the first line of a chain."""
LINE_LIMIT_BYTES = 65_536
_PARAMETERS_LIMIT_BYTES = 4_096

log = logging.getLogger(__name__)


class AuditEvent(StrEnum):
    """The kinds of lines."""

    OPENED = "opened"  # a gateway began to write here
    STARTED = "started"  # an action is about to run
    FINISHED = "finished"  # its end, or that the end is unknown
    REFUSED = "refused"  # an authorised request of which nothing was run
    RELOADED = "reloaded"  # the config was replaced


@dataclass(frozen=True, slots=True)
class Head:
    """The last line of a chain: its number and its hash."""

    seq: int = 0
    hash: str = FIRST


def hash_of(entry: dict[str, Any]) -> str:
    """Return the hex SHA-256 of an entry's canonical JSON, without its own `hash`."""
    covered = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(canonical_json(covered)).hexdigest()


def entry_of(line: bytes) -> dict[str, Any] | None:
    """Return the entry of a line without its end; None unless a gateway writes it byte for byte so.

    Another form of the same entry could show a person another value than the one that is checked.
    """
    try:
        entry = json.loads(line)
        good = type(entry["seq"]) is int and canonical_json(entry) == line
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return entry if good else None


def shown_parameters(parameters: dict[str, Any]) -> Any:
    """Return the parameters, or only their SHA-256 if they are longer than 4 KiB."""
    text = canonical_json(parameters)
    if len(text) <= _PARAMETERS_LIMIT_BYTES:
        return parameters
    return {"sha256": hashlib.sha256(text).hexdigest()}


class AuditFile:
    """Open with `open`. One thread writes; after a failed write the file ends as before it."""

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self._path = path
        self._clock = clock
        self._fd = -1
        self._owed: list[dict[str, Any]] = []
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="audit")
        self.head = Head()

    @classmethod
    async def open(cls, path: Path, clock: Callable[[], datetime]) -> AuditFile:
        """Continue the file, or create it. ConfigError if it cannot be written or continued."""
        audit = cls(path, clock)
        try:
            await audit._on_thread(audit._open)
            await audit.record(AuditEvent.OPENED)
        except (OSError, AuditUnwritable) as error:
            await audit.close()
            raise ConfigError([_unusable(path, error)]) from error
        except ConfigError:
            await audit.close()
            raise
        return audit

    async def record(self, event: AuditEvent, **facts: Any) -> None:
        """Write one line and wait until it is on the disk. AuditUnwritable: it is not."""
        entry = self._entry(event, facts)
        try:
            await self._on_thread(lambda: self._write(entry))
        except OSError as error:
            log.error("the audit file cannot be written: %s", error.strerror or error)
            raise AuditUnwritable from error

    async def record_end(self, event: AuditEvent, **facts: Any) -> None:
        """Write a line about something that has happened already.

        If the file cannot be written the line is kept, and no execution starts before it is there.
        """
        try:
            await self.record(event, **facts)
        except AuditUnwritable:
            self._owed.append(self._entry(event, facts))

    async def reopen(self) -> None:
        """Continue the chain in a new file if somebody moved the old one away (log rotation).

        ConfigError if the new one cannot be used: the old one stays in use.
        """
        try:
            await self._on_thread(self._reopen)
        except OSError as error:
            raise ConfigError([_unusable(self._path, error)]) from error

    async def close(self) -> None:
        """Close the file. What is still owed is lost, and logged."""
        if self._owed:
            log.error("%d lines were never written to the audit file", len(self._owed))
        await self._on_thread(self._close)
        self._pool.shutdown()

    def _entry(self, event: AuditEvent, facts: dict[str, Any]) -> dict[str, Any]:
        return {"timestamp": rfc3339(self._clock()), "event": str(event), **facts}

    def _open(self) -> None:
        self._fd = state_dir.open_file(self._path, os.O_RDWR | os.O_APPEND)
        size = os.fstat(self._fd).st_size
        if size == 0:
            return
        tail = os.pread(self._fd, LINE_LIMIT_BYTES, max(0, size - LINE_LIMIT_BYTES))
        whole, _, torn = tail.rpartition(b"\n")
        if not whole and size > len(tail):
            _head_of(torn, self._path)
        if torn:  # a crash cut this line off; the gateway had not yet answered its request
            log.warning("%d bytes of an unfinished line are cut off the audit file", len(torn))
            os.ftruncate(self._fd, size - len(torn))
        if whole:
            self.head = _head_of(whole.rpartition(b"\n")[2], self._path)

    def _write(self, entry: dict[str, Any]) -> None:
        owed = list(self._owed)
        self._append([*owed, entry])
        del self._owed[: len(owed)]  # another may have been added meanwhile

    def _append(self, entries: list[dict[str, Any]]) -> None:
        good, head = os.fstat(self._fd).st_size, self.head
        lines = b""
        for entry in entries:
            linked = {"seq": head.seq + 1, **entry, "prev": head.hash}
            head = Head(head.seq + 1, hash_of(linked))
            lines += canonical_json({**linked, "hash": head.hash}) + b"\n"
        try:
            left = memoryview(lines)
            while left:
                left = left[os.write(self._fd, left) :]
            os.fsync(self._fd)
        except OSError:
            os.ftruncate(self._fd, good)  # a part of a line would end the chain
            raise
        self.head = head

    def _reopen(self) -> None:
        ours = os.fstat(self._fd)
        try:
            there = self._path.lstat()
        except FileNotFoundError:
            there = None
        if there and (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
            return
        new = state_dir.open_file(self._path, os.O_RDWR | os.O_APPEND)
        if os.fstat(new).st_size:
            os.close(new)
            raise ConfigError([f"audit_file: {self._path} is another file now, and not empty"])
        os.close(self._fd)
        self._fd = new

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    async def _on_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._pool, work)


def _unusable(path: Path, error: Exception) -> str:
    return f"audit_file: {path} cannot be used: {error}"


def _head_of(line: bytes, path: Path) -> Head:
    entry = entry_of(line)
    if entry and entry.get("hash") == hash_of(entry):
        return Head(entry["seq"], entry["hash"])
    problem = (
        f"audit_file: the last line of {path} is not what a gateway wrote. Check it with "
        "`python -m bot.gateway audit verify`, then move it away; a new file is begun."
    )
    raise ConfigError([problem])
