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
    """Create the folder, or check it: a real one, ours, closed to everybody else.

    ConfigError says what to do. A user who can write here can forge the journal.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(parents=True, mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise ConfigError(
            [f"state_dir: {folder} is not a folder of its own (links are not followed)"]
        )
    if found.st_uid != os.geteuid():
        raise ConfigError(
            [f"state_dir: {folder} belongs to user {found.st_uid}, not to the gateway's"]
        )
    if found.st_mode & 0o077:
        raise ConfigError(
            [f"state_dir: {folder} is open to other users; run chmod 700 on it once it is clean"]
        )


def open_file(path: Path, flags: int) -> int:
    """Open or create a file of ours, mode 0600. ConfigError for a link, also a hard one."""
    try:
        fd = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise ConfigError([f"state_dir: {path} is a link; it is not followed"]) from error
        raise
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid != os.geteuid():
        os.close(fd)
        raise ConfigError([f"state_dir: {path} is no plain file of the gateway's own"])
    os.fchmod(fd, 0o600)
    return fd


def plan_key(folder: Path) -> bytes:
    """The key by which values that may be secret go into a plan's digest; made once."""
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
