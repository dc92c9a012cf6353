"""A disk so small that a test can fill it: a tmpfs of its own."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from bot.errors import StoreError
from store import Store
from tests.conftest import unavailable
from tests.helpers.builders import NOW
from tests.helpers.stores import write_key

MIB = 1 << 20


class SmallDisk:
    """A mounted file system; its ballast comes and goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    @property
    def free(self) -> int:
        """Bytes."""
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def fill(self, but: int = 0) -> None:
        """Leave only so many bytes free."""
        with self._ballast.open("ab") as ballast:
            while (more := self.free - but) > 0:
                size = self._ballast.stat().st_size
                try:
                    os.posix_fallocate(ballast.fileno(), size, more)
                except OSError as error:  # who writes beside us took a part of it meanwhile
                    if error.errno != errno.ENOSPC:
                        raise

    def forbid_writing(self) -> None:
        """Make the file system read-only; nobody may have a file open for writing."""
        subprocess.run(["mount", "-o", "remount,ro", str(self.folder)], check=True)  # noqa: S607

    def make_room(self) -> None:
        """Delete the ballast."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, size: int = 8 * MIB) -> Iterator[SmallDisk]:
    """Mount one of `size` bytes at `folder`, which is made; unmounted at the end, come what may."""
    folder.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if mount is None or unmount is None or os.geteuid() != 0:
        unavailable("only root can mount a small disk to fill")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        unavailable(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a process that is just ending may still have a file open.
        subprocess.run([unmount, "--lazy", str(folder)], check=True, capture_output=True)


async def leave_no_room(disk: SmallDisk, store: Store) -> StoreError:
    """Fill the disk and what the store's own files have spare. Returns what the store says."""
    disk.fill()
    size = 100_000
    for number in count():
        try:
            await write_key(store, f"filler {number} {'x' * size}", NOW)
        except StoreError as error:
            if size == 1:
                return error
            size = max(1, size // 8)
    raise AssertionError("count() has no end")
