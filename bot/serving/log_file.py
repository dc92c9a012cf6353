"""The log file with rotation: it is renamed when it is full, and a few old files are kept."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


class RotatingFile:
    """A text stream to `path`, which it makes readable by its owner only.

    A stream, not `logging.handlers.RotatingFileHandler`: the handler of stderr writes to it too.

    Once it holds `max_bytes`, it is renamed to `path.1`, `path.1` to `path.2` and so on; `keep` of
    them stay. A line is never split over two files. OSError if the file cannot be opened, or is a
    pipe or a device, which would be renamed too; if it cannot be written later, the line is lost
    and the process goes on (`logging` prints that once for each line to stderr).
    """

    def __init__(self, path: Path, max_bytes: int, keep: int) -> None:
        self._path = path
        self._max = max_bytes
        self._keep = keep
        self._open()

    def write(self, text: str) -> int:
        """Write whole lines, and begin a new file first if this one is full.

        If there can be no new file, the lines still go into this one. OSError says so afterwards,
        and again after `max_bytes` more.
        """
        data = text.encode("utf-8", "backslashreplace")
        problem = None
        if self._size and self._size + len(data) > self._max:
            problem = self._rotate()
        self._file.write(data)
        self._file.flush()
        self._size += len(data)
        if problem is not None:
            raise problem
        return len(text)

    def flush(self) -> None:
        """Do nothing: each write is handed to the system at once."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self) -> None:
        # O_NONBLOCK: opening a pipe to write it would wait for a reader.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
        handle = os.open(self._path, flags, 0o600)
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            os.close(handle)
            raise OSError(errno.EINVAL, "it is not a regular file", str(self._path))
        self._file = os.fdopen(handle, "ab")
        self._size = state.st_size

    def _rotate(self) -> OSError | None:
        """Begin a new file, or return why there is none; the present one stays open then."""
        former = self._file
        try:
            for number in range(self._keep, 0, -1):
                older = self._numbered(number - 1)
                if older.exists():
                    older.replace(self._numbered(number))
            if not self._keep:
                self._path.unlink(missing_ok=True)
            self._open()
        except OSError as error:
            self._size = 0
            return error
        former.close()
        return None

    def _numbered(self, number: int) -> Path:
        return Path(f"{self._path}.{number}") if number else self._path
