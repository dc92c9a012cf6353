"""Protects our processes from other programs: their memory, secrets and privileges.

It imports nothing of ours, so that both programs can call it before they import anything.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable

_PR_SET_DUMPABLE = 4  # <linux/prctl.h>
_PR_SET_NO_NEW_PRIVS = 38


def hide_memory() -> None:
    """Make the process not dumpable, if the system can (Linux).

    Then only root reads its memory or /proc/<pid>/environ. That file shows the environment at its
    start with all secrets, also those that os.environ forgets later.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def renounce_privileges() -> None:
    """Prevent this process and its children from gaining rights by a file (setuid, setgid)."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def forget_variables(names: Iterable[str]) -> None:
    """Remove variables from os.environ, and blank them in the memory behind /proc/<pid>/environ.

    Root reads that memory of any process, and a supervised service may run as root.
    """
    variables = {name.encode() for name in names}
    for name in variables:
        os.environ.pop(name.decode(), None)
    if sys.platform != "linux" or not variables:
        return
    try:
        with open("/proc/self/stat", "rb") as stat:  # noqa: PTH123 - pathlib is not imported yet
            fields = stat.read().rpartition(b")")[2].split()
        start, end = int(fields[47]), int(fields[48])  # env_start and env_end, see proc(5)
    except (OSError, ValueError, IndexError):
        return
    if not start < end:
        return
    at = start
    for entry in ctypes.string_at(start, end - start).split(b"\0"):
        name, equals, value = entry.partition(b"=")
        if equals and name in variables:
            ctypes.memset(at + len(name) + 1, 0, len(value))
        at += len(entry) + 1


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    # Another libc: the bot must still start without this protection.
    except (OSError, AttributeError):
        return
