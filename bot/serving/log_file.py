"""A log file that starts anew when it is large; a few of the former ones are kept."""

from __future__ import annotations

import os
from pathlib import Path


class RotatingFile:
    """A text stream to `path`, readable by its owner only.

    Once it holds `max_bytes`, it is renamed to `path.1`, `path.1` to `path.2` and so on; `keep` of
    them stay. A line is never split over two files. OSError if the file cannot be opened; if it
    cannot be written later, the line is lost and the process goes on (`logging` prints that once
    for each line to stderr).
    """

    def __init__(self, path: Path, max_bytes: int, keep: int) -> None:
        self._path = path
        self._max = max_bytes
        self._keep = keep
        self._open()

    def write(self, text: str) -> int:
        """Write whole lines, and begin a new file first if this one is full."""
        data = text.encode("utf-8", "backslashreplace")
        if self._size and self._size + len(data) > self._max:
            self._rotate()
        self._file.write(data)
        self._file.flush()
        self._size += len(data)
        return len(text)

    def flush(self) -> None:
        """Do nothing: each write is handed to the system at once."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._path, flags, 0o600), "ab")
        self._size = os.fstat(self._file.fileno()).st_size

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._keep, 0, -1):
            former = self._numbered(number - 1)
            if former.exists():
                former.replace(self._numbered(number))
        if not self._keep:
            self._path.unlink(missing_ok=True)
        self._open()

    def _numbered(self, number: int) -> Path:
        return Path(f"{self._path}.{number}") if number else self._path
