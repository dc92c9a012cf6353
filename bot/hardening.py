"""What a process of ours keeps from other programs: its memory, its secrets, its privileges.

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
    """Make the process not dumpable, where the system can (Linux).

    Then nobody but root reads its memory or /proc/<pid>/environ, which shows the environment it
    was started with, secrets included, whatever os.environ forgets later.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def renounce_privileges() -> None:
    """No program that this process or a child starts gains rights by its file (setuid, setgid)."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def forget_variables(names: Iterable[str]) -> None:
    """Take variables out of os.environ, and blank them in the block that /proc/<pid>/environ shows.

    Root reads that block of any process, and a supervised service may run as root.
    """
    wanted = {name.encode() for name in names}
    for name in wanted:
        os.environ.pop(name.decode(), None)
    if sys.platform != "linux" or not wanted:
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
        if equals and name in wanted:
            ctypes.memset(at + len(name) + 1, 0, len(value))
        at += len(entry) + 1


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    except (OSError, AttributeError):  # another libc: a safeguard less is no reason not to start
        return
