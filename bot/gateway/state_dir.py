"""The state folder: only the gateway's user has access, and no file in it is a link."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from bot.gateway.errors import ConfigError

_KEY_BYTES = 32


def prepare(folder: Path) -> None:
    """Create the folder, or check it: a real folder, owned by us, closed to everybody else.

    ConfigError names the fix. A user who can write here can forge the journal.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(parents=True, mode=0o700)
    stats = folder.lstat()
    if not stat.S_ISDIR(stats.st_mode):
        raise ConfigError(
            [f"state_dir: {folder} is not a folder of its own (links are not followed)"]
        )
    if stats.st_uid != os.geteuid():
        raise ConfigError(
            [f"state_dir: {folder} belongs to user {stats.st_uid}, not to the gateway's"]
        )
    if stats.st_mode & 0o077:
        raise ConfigError(
            [f"state_dir: {folder} is open to other users; run chmod 700 on it once it is clean"]
        )


def open_file(path: Path, flags: int) -> int:
    """Open or create our own file, mode 0600. Raises ConfigError for a symbolic or a hard link."""
    try:
        fd = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise ConfigError([f"state_dir: {path} is a link; it is not followed"]) from error
        raise
    stats = os.fstat(fd)
    if not stat.S_ISREG(stats.st_mode) or stats.st_nlink != 1 or stats.st_uid != os.geteuid():
        os.close(fd)
        raise ConfigError([f"state_dir: {path} is no plain file of the gateway's own"])
    os.fchmod(fd, 0o600)
    return fd


def plan_key(folder: Path) -> bytes:
    """Return the key that hashes possibly secret values into a plan's digest; it is made once."""
    fd = open_file(folder / "plan.key", os.O_RDWR)
    with os.fdopen(fd, "r+b") as file:
        key = file.read(_KEY_BYTES)
        if len(key) < _KEY_BYTES:
            key = secrets.token_bytes(_KEY_BYTES)
            file.seek(0)
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
    return key
