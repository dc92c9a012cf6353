"""Walks a folder by file descriptors, so that a link that somebody puts there leads nowhere.

A path is resolved anew by each call, and whoever can write to the folder can change what it means
in between. A descriptor of an opened folder always means that folder. Every folder is opened by its
name inside its parent's descriptor with O_NOFOLLOW, from the root of the file system on.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

from bot.gateway.errors import Cancelled

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 512  # of st_blocks, whatever the file system's own size is
_DEEPEST = 64
_LARGEST = 5
_PROBLEMS = 20
_REPORT_EVERY = 100


class Stop:
    """Set `now` to end a walk after the file that it is at."""

    now = False

    def cancelled(self, tally: Tally) -> Cancelled:
        """Return the error of a removal that ended early."""
        return Cancelled(f"{tally.files:,} files were removed by then")


@dataclass
class Tally:
    """Files, their space on the disk, the largest ones, and what could not be done."""

    files: int = 0
    bytes: int = 0
    largest: list[tuple[str, int]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    complete: bool = True

    def add(self, path: str, size: int) -> None:
        """Count a file."""
        self.files += 1
        self.bytes += size
        self.largest = sorted([*self.largest, (path, size)], key=lambda p: -p[1])[:_LARGEST]

    def problem(self, path: str, error: OSError) -> None:
        """Keep the first problems."""
        if len(self.problems) < _PROBLEMS:
            self.problems.append(f"{path}: {error.strerror}")


class _Folder:
    """An open folder on the way, and its names that are still to be looked at."""

    def __init__(self, fd: int, prefix: str) -> None:
        self.fd, self.prefix = fd, prefix
        self.names = iter(sorted(os.listdir(fd)))


class Walk:
    """The regular files below a folder with a fitting name and age. OSError: it cannot be opened.

    It stays on the folder's own file system, and ends after `seconds` or once it has counted more
    than `most` files.
    """

    def __init__(
        self, root: Path, globs: tuple[str, ...], age: int, *, most: int, seconds: float
    ) -> None:
        self._globs, self._most = globs, most
        self._newest = time.time() - age
        self._end = time.monotonic() + seconds
        self._fd = _opened(root)
        self._device = os.fstat(self._fd).st_dev

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    @property
    def identity(self) -> str:
        """Name this folder, whatever its path leads to later."""
        status = os.fstat(self._fd)
        return f"{status.st_dev}:{status.st_ino}"

    def free_bytes(self) -> int:
        """Return the free space for programs that are not root."""
        status = os.fstatvfs(self._fd)
        return status.f_bavail * status.f_frsize

    def count(self, stop: Stop) -> Tally:
        """Count the files; change nothing."""
        tally = Tally()
        for _, path, status in self._files(tally, stop):
            tally.add(path, status.st_blocks * _BLOCK)
            if tally.files > self._most:
                break
        return tally

    def remove(self, stop: Stop, progress: Callable[[Tally], None]) -> Tally:
        """Remove the files, at most as many as the target allows."""
        tally = Tally()
        for folder, path, status in self._files(tally, stop):
            name = path.rpartition("/")[2]
            try:
                os.unlink(name, dir_fd=folder)  # removes a name, never what a link leads to
            except OSError as error:
                tally.problem(path, error)
                continue
            tally.add(path, status.st_blocks * _BLOCK if status.st_nlink == 1 else 0)
            if tally.files % _REPORT_EVERY == 0:
                progress(tally)
            if tally.files >= self._most:
                break
        return tally

    def _files(self, tally: Tally, stop: Stop) -> Iterator[tuple[int, str, os.stat_result]]:
        """Yield the descriptor of the folder, the path below the root and the file's status."""
        # Only the folders on the way are open: a thousand folders beside each other cost one.
        way = [_Folder(os.dup(self._fd), "")]
        try:
            while way:
                folder = way[-1]
                name = next(folder.names, None)
                if name is None:
                    os.close(way.pop().fd)
                    continue
                if stop.now:
                    return
                if time.monotonic() > self._end:
                    tally.complete = False
                    return
                path = f"{folder.prefix}{name}"
                status = _status(name, folder.fd)
                if status is None or status.st_dev != self._device:
                    continue
                if stat.S_ISDIR(status.st_mode) and len(way) <= _DEEPEST:
                    self._descend(way, tally, name, path)
                elif stat.S_ISREG(status.st_mode) and self._fits(name, status):
                    yield folder.fd, path, status
        finally:
            for folder in way:
                os.close(folder.fd)

    def _descend(self, way: list[_Folder], tally: Tally, name: str, path: str) -> None:
        try:
            below = os.open(name, _FLAGS, dir_fd=way[-1].fd)
        except OSError as error:
            tally.problem(path, error)
            return
        # Between its status and its opening, somebody may have mounted or moved another one here.
        if os.fstat(below).st_dev != self._device:
            os.close(below)
            return
        way.append(_Folder(below, f"{path}/"))

    def _fits(self, name: str, status: os.stat_result) -> bool:
        old = max(status.st_mtime, status.st_ctime) <= self._newest
        return old and any(fnmatchcase(name, glob) for glob in self._globs)


def _opened(root: Path) -> int:
    """Open a folder part by part; a link anywhere on the way is an OSError."""
    fd = os.open("/", _FLAGS)
    try:
        for part in root.parts[1:]:
            below = os.open(part, _FLAGS, dir_fd=fd)
            os.close(fd)
            fd = below
    except OSError:
        os.close(fd)
        raise
    return fd


def _status(name: str, folder: int) -> os.stat_result | None:
    """Return the status of the name itself, never of what a link leads to; None once it is gone."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
