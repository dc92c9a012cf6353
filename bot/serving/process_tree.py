"""Ending a whole process tree, also the parts that left their process group.

Two marks survive a new group: the session id (`start_new_session=True` makes it the child's pid)
and an environment variable with a value of its own, which even a grandchild that calls `setsid` or
forks twice inherits. A process that scrubs both is known by its parent. Only one that also lost its
parent before we looked gets away.
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
_ROUNDS = 20  # a tree that forks faster than it is killed is left after that many looks
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Tree:
    """How to recognise the processes of one run.

    `pid` is the session's, 0 where only the mark is known. `mark` is `NAME=value` as it stands in
    the environment. `since` is in clock ticks after boot.
    """

    pid: int
    mark: str
    since: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """How many processes were found, and whether some had to be killed."""

    found: int
    killed: bool


def birth_of(pid: int) -> str:
    """When the process was started, in the kernel's own ticks; '' when there is none or no /proc.

    A pid alone may be another process by now; pid and birth together are not.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return "" if fields[0] == "Z" else fields[19]


def tree_started_now() -> int:
    """The `since` of a tree whose first process is started after this call."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0
    # 50 ms early: the kernel rounds its own start times down to a tick.
    started = time.clock_gettime(time.CLOCK_BOOTTIME) - 0.05
    return int(started * os.sysconf("SC_CLK_TCK"))


def members(tree: Tree) -> list[int]:
    """The pids of the tree that still run; a zombie no longer does. Empty without /proc."""
    return list(_alive(tree, {}))


def _alive(tree: Tree, known: Mapping[int, int]) -> dict[int, int]:
    """The births of the tree's processes by pid; `known` are those found before, likewise."""
    running = _running(tree.since)
    mark = tree.mark.encode()
    found = {
        pid
        for pid, (_, session, birth) in running.items()
        if (tree.pid and session == tree.pid) or known.get(pid) == birth or _has(pid, mark)
    }
    # What scrubbed both marks is known by its parent, for as long as that lives.
    while started := {
        pid for pid, (parent, *_) in running.items() if parent in found and pid not in found
    }:
        found |= started
    return {pid: running[pid][2] for pid in found}


def _running(since: int) -> dict[int, tuple[int, int, int]]:
    """(parent, session, birth in ticks) of every process that was started since, by pid."""
    running: dict[int, tuple[int, int, int]] = {}
    try:
        names = os.listdir(_PROC)  # noqa: PTH208 - Path objects for 300 names cost milliseconds
    except OSError:
        return running
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123 - as above
                # The command's name stands in parentheses and may hold any character.
                fields = stat.read().rpartition(b")")[2].split()
            state, parent, session = fields[0], int(fields[1]), int(fields[3])
            birth = int(fields[19])
        except (OSError, IndexError, ValueError):
            continue  # it ended while we looked
        if state not in (b"Z", b"X") and birth >= since:
            running[int(name)] = (parent, session, birth)
    return running


def _has(pid: int, mark: bytes) -> bool:
    """Whether the mark stands in the environment that the process was started with."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as environ:  # noqa: PTH123 - as above
            return mark in environ.read().split(b"\0")
    except OSError:
        return False  # it ended while we looked, or belongs to somebody else


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tree uses now: resident memory in bytes, and its CPU time so far in seconds."""

    processes: int
    memory_bytes: int
    cpu_seconds: float


def usage(tree: Tree) -> Usage:
    """The sums over the tree's processes."""
    memory = count = 0
    ticks = 0
    for pid in members(tree):
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
            ticks += int(stat[11]) + int(stat[12])
            memory += int(stat[21]) * os.sysconf("SC_PAGE_SIZE")
            count += 1
        except (OSError, IndexError, ValueError):
            continue  # it ended while we looked
    return Usage(count, memory, ticks / os.sysconf("SC_CLK_TCK"))


async def end(tree: Tree, *, grace: float = _GRACE) -> Ended:
    """End every process of the tree: SIGTERM, `grace` seconds, SIGKILL.

    Returns when none is left, at the latest about `grace` + 0.5 seconds later.
    """
    if not _PROC.joinpath("self/stat").exists():
        return _end_group(tree.pid)
    # /proc is read in a thread: on a busy host that takes milliseconds the event loop needs.
    # What was found once is remembered: its parent, by which it is known, may end before it.
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
    """Without /proc (macOS) only the group can be named; good enough for a development machine."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return Ended(0, killed=False)
    return Ended(1, killed=True)
