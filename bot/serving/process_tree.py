"""Ends a whole process tree, also the parts that left their process group.

Two marks survive a new group: the session id (`start_new_session=True` makes it the child's pid)
and an environment variable with a unique value, which even a grandchild inherits that calls
`setsid` or forks twice. A process that removes both is recognised by its parent. Only a process
that has also lost its parent before the search escapes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_GRACE = 0.3  # seconds between SIGTERM and SIGKILL
_LOOK_AGAIN = 0.01
_ROUNDS = 20  # rounds after which a tree is left that forks faster than it is killed
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Tree:
    """Identifies the processes of one run.

    `pid` is the session's, 0 if only the mark is known. `mark` is `NAME=value` as in the
    environment. `since` is in clock ticks after boot.
    """

    pid: int
    mark: str
    since: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """The number of processes, and True if some had to be killed."""

    count: int
    killed: bool


def birth_of(pid: int) -> str:
    """Return the start time of the process, in the kernel's ticks; '' without one or without /proc.

    A pid alone may belong to another process later; pid and birth together do not.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before it may contain any character
    return "" if fields[0] == "Z" else fields[19]


def tree_started_now() -> int:
    """Return the `since` of a tree whose first process starts after this call."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0
    # 50 ms early: the kernel rounds its own start times down to a tick.
    started = time.clock_gettime(time.CLOCK_BOOTTIME) - 0.05
    return int(started * os.sysconf("SC_CLK_TCK"))


def members(tree: Tree) -> list[int]:
    """Return the pids of the tree that still run; a zombie does not. Empty without /proc."""
    return list(_alive(tree, {}))


def _alive(tree: Tree, known: Mapping[int, int]) -> dict[int, int]:
    """Return the births of the tree's processes by pid; `known` are those of an earlier search."""
    running = _running(tree.since)
    mark = tree.mark.encode()
    pids = {
        pid
        for pid, (_, session, birth) in running.items()
        if (tree.pid and session == tree.pid) or known.get(pid) == birth or _has(pid, mark)
    }
    # A process that removed both marks is recognised by its parent, while that lives.
    while started := {
        pid for pid, (parent, *_) in running.items() if parent in pids and pid not in pids
    }:
        pids |= started
    return {pid: running[pid][2] for pid in pids}


def _running(since: int) -> dict[int, tuple[int, int, int]]:
    """Return (parent, session, birth in ticks) of every process started since then, by pid."""
    running: dict[int, tuple[int, int, int]] = {}
    try:
        names = os.listdir(_PROC)  # noqa: PTH208 - Path objects for 300 names cost milliseconds
    except OSError:
        return running
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123 - a Path costs time
                # The command's name stands in parentheses and may hold any character.
                fields = stat.read().rpartition(b")")[2].split()
            state, parent, session = fields[0], int(fields[1]), int(fields[3])
            birth = int(fields[19])
        except (OSError, IndexError, ValueError):
            continue  # it ended during the search
        if state not in (b"Z", b"X") and birth >= since:
            running[int(name)] = (parent, session, birth)
    return running


def _has(pid: int, mark: bytes) -> bool:
    """Return True if the process was started with this mark in its environment."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as environ:  # noqa: PTH123 - a Path costs time
            return mark in environ.read().split(b"\0")
    except OSError:
        return False  # it ended during the search, or belongs to another user


@dataclass(frozen=True, slots=True)
class Usage:
    """Present use of a tree: resident memory in bytes, and its CPU time so far in seconds."""

    processes: int
    memory_bytes: int
    cpu_seconds: float


def usage(tree: Tree) -> Usage:
    """Return the sums over the tree's processes."""
    memory = count = 0
    ticks = 0
    for pid in members(tree):
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            ticks += int(stat[11]) + int(stat[12])
            memory += int(stat[21]) * os.sysconf("SC_PAGE_SIZE")
            count += 1
        except (OSError, IndexError, ValueError):
            continue  # it ended during the search
    return Usage(count, memory, ticks / os.sysconf("SC_CLK_TCK"))


async def end(tree: Tree, *, grace: float = _GRACE) -> Ended:
    """End every process of the tree: SIGTERM, `grace` seconds, SIGKILL.

    Returns when no process is left, at the latest about `grace` + 0.5 seconds later.
    """
    if not _PROC.joinpath("self/stat").exists():
        return _end_group(tree.pid)
    # /proc is read in a thread: on a busy host that takes milliseconds that the event loop needs.
    # Processes are remembered, because the parent that identifies one may end before it.
    known = alive = await asyncio.to_thread(_alive, tree, {})
    _signal(alive, signal.SIGTERM)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + grace
    pause = _LOOK_AGAIN
    while alive and loop.time() < deadline:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.1)
        alive = await asyncio.to_thread(_alive, tree, known)
        known = {**known, **alive}
    killed = bool(alive)
    for _ in range(_ROUNDS):
        if not alive:
            break
        _signal(alive, signal.SIGKILL)
        await asyncio.sleep(_LOOK_AGAIN)
        alive = await asyncio.to_thread(_alive, tree, known)
        known = {**known, **alive}
    return Ended(len(known), killed)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _end_group(pid: int) -> Ended:
    """End the process group: without /proc (macOS) nothing else is known; enough for
    development.
    """
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return Ended(0, killed=False)
    return Ended(1, killed=True)
