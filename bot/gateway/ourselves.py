"""Keeps the gateway and the bot from being a target: by name, argv, process and container."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

SELF_TARGET = "SELF_TARGET"
OWN_CALLS = "sopbot-gateway"
"""The User-Agent of declared requests: a gateway answers none, by whatever address it comes."""
_OWN_FILES = frozenset({"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"})
_MODULES = ("bot", "bot.__main__", "bot.gateway", "bot.gateway.__main__")
_MODULE_OPTION = re.compile(r"-[A-Za-z]*?m(?P<module>.*)", re.DOTALL)  # also -Im, -umbot
_SCRIPT = "sopbot"  # alone, or with its path after the interpreter that runs it


def runs_us(argv: Sequence[str]) -> bool:
    """Return True if this command line starts the bot or a gateway."""
    modules: list[str] = []
    for word, following in zip(argv, [*argv[1:], ""], strict=False):
        if option := _MODULE_OPTION.fullmatch(word):
            modules.append(option["module"] or following)
    script = [word for word in argv[:2] if word.endswith(f"/bin/{_SCRIPT}")]
    return bool(script) or argv[:1] == [_SCRIPT] or any(name in _MODULES for name in modules)


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
