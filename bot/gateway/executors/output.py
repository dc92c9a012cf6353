"""A log that cannot fill the disk: the current file and one older file, each of a fixed size."""

from __future__ import annotations

import os
from pathlib import Path

_TAIL_BYTES = 262_144


class CappedLog:
    """Appends bytes to `path`; when that would pass `limit` bytes, it becomes `path`.1."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._older = path.with_name(path.name + ".1")
        self._limit = limit
        self._fd = -1
        self._size = 0

    def open(self) -> None:
        """Create the file or continue it; raises OSError when that fails."""
        if self._fd < 0:
            flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
            self._fd = os.open(self._path, flags, 0o600)
            self._size = os.fstat(self._fd).st_size

    def write(self, data: bytes) -> None:
        """Append. Data that the disk refuses is dropped: the service must not block on its log."""
        try:
            for start in range(0, len(data), self._limit):
                piece = data[start : start + self._limit]
                if self._size + len(piece) > self._limit:
                    self._rotate()
                self.open()
                self._size += os.write(self._fd, piece)
        except OSError:
            return

    def tail(self, lines: int) -> str:
        """The last `lines` lines, from at most the last 256 KiB."""
        data = _end_of(self._path)
        if data.count(b"\n") <= lines and len(data) < _TAIL_BYTES:
            data = _end_of(self._older) + data
        return "\n".join(data.decode(errors="replace").splitlines()[-lines:])

    def close(self) -> None:
        """Close the file; `open` or `write` opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _rotate(self) -> None:
        self.close()
        self._path.replace(self._older)
        self._size = 0


def _end_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            return file.read(_TAIL_BYTES)
    except FileNotFoundError:
        return b""
