"""Keeps the gateway and the bot from being a target: by name, argv, process and container."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

SELF_TARGET = "SELF_TARGET"
_OWN_FILES = frozenset({"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"})
_MODULES = ("bot", "bot.gateway")


def runs_us(argv: Sequence[str]) -> bool:
    """Return True if this command line starts the bot or a gateway."""
    after_m = [argv[place + 1] for place, word in enumerate(argv[:-1]) if word == "-m"]
    glued = [word[2:] for word in argv if word.startswith("-m") and len(word) > len("-m")]
    return any(module in _MODULES for module in (*after_m, *glued))


def is_one_of_us(pids: Iterable[int]) -> bool:
    """Return True if a pid is this process, one of its ancestors, a bot or a gateway."""
    mine = set(_ancestors(os.getpid()))
    return any(pid in mine or runs_us(_command_line(pid)) for pid in pids)


def is_our_container(container_id: str, pid: int) -> bool:
    """Return True if this process lives in that container, whose first process is `pid`."""
    if pid and is_one_of_us([pid]):
        return True
    if socket.gethostname() == container_id[:12]:
        return True
    return lives_in(container_id, _text("/proc/self/cgroup"), _text("/proc/self/mountinfo"))


def lives_in(container_id: str, cgroup: str, mountinfo: str) -> bool:
    """Return True if the process with these two files of /proc is inside that container.

    Of the mounts, only those count that Docker puts over the container's own files: on a host the
    list mentions every container that runs there.
    """
    if container_id in cgroup:
        return True
    mounts = (line.split(" ") for line in mountinfo.splitlines())
    return any(
        len(fields) > 4 and fields[4] in _OWN_FILES and container_id in fields[3]  # see proc(5)
        for fields in mounts
    )


def _ancestors(pid: int) -> Iterable[int]:
    while pid > 0:
        yield pid
        fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
        pid = int(fields[1]) if len(fields) > 1 else 0


def _command_line(pid: int) -> list[str]:
    return [word for word in _text(f"/proc/{pid}/cmdline").split("\0") if word]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
