"""Ending a whole process tree, also the parts that left their process group.

Q starts its MCP servers in groups of their own, so `killpg` leaves them alive. Two marks survive
that: the session id (`start_new_session=True` makes it the child's pid) and an environment
variable with a nonce, which even a grandchild that calls `setsid` inherits. Only a process that
does both, a new session and a scrubbed environment, gets away.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

MARK = "SOPBOT_ADVISOR_RUN"
_GRACE = 0.3  # seconds between SIGTERM and SIGKILL
_LOOK_AGAIN = 0.01
_ROUNDS = 20  # a tree that forks faster than it is killed is left after that many looks
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Tree:
    """How to recognise the processes of one run. `since` is in clock ticks after boot."""

    pid: int
    nonce: str
    since: int


def tree_started_now() -> int:
    """The `since` of a tree whose first process is started after this call."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0
    # 50 ms early: the kernel rounds its own start times down to a tick.
    started = time.clock_gettime(time.CLOCK_BOOTTIME) - 0.05
    return int(started * os.sysconf("SC_CLK_TCK"))


def members(tree: Tree) -> list[int]:
    """The pids of the tree that still run; a zombie no longer does. Empty without /proc."""
    found = []
    mark = f"{MARK}={tree.nonce}".encode()
    try:
        names = os.listdir(_PROC)  # noqa: PTH208 - Path objects for 300 names cost milliseconds
    except OSError:
        return []
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:  # noqa: PTH123 - as above
                # The command's name stands in parentheses and may hold any character.
                fields = stat.read().rpartition(b")")[2].split()
            state, session, started = fields[0], int(fields[3]), int(fields[19])
            if state in (b"Z", b"X") or started < tree.since:
                continue
            if session != tree.pid:
                with open(f"/proc/{name}/environ", "rb") as environ:  # noqa: PTH123 - as above
                    if mark not in environ.read().split(b"\0"):
                        continue
        except (OSError, IndexError, ValueError):
            continue  # it ended while we looked, or belongs to somebody else
        found.append(int(name))
    return found


async def end(tree: Tree, *, grace: float = _GRACE) -> int:
    """End every process of the tree: SIGTERM, `grace` seconds, SIGKILL. Returns how many it found.

    Returns when none is left, at the latest about `grace` + 0.5 seconds later.
    """
    if not _PROC.joinpath("self/stat").exists():
        return _end_group(tree.pid)
    # /proc is read in a thread: on a busy host that takes milliseconds the event loop needs.
    alive = await asyncio.to_thread(members, tree)
    count = len(alive)
    if not alive:
        return 0
    _signal(alive, signal.SIGTERM)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + grace
    while alive and loop.time() < deadline:
        await asyncio.sleep(_LOOK_AGAIN)
        alive = await asyncio.to_thread(members, tree)
    for _ in range(_ROUNDS):
        if not alive:
            break
        _signal(alive, signal.SIGKILL)
        await asyncio.sleep(_LOOK_AGAIN)
        alive = await asyncio.to_thread(members, tree)
    return count


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _end_group(pid: int) -> int:
    """Without /proc (macOS) only the group can be named; good enough for a development machine."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return 0
    return 1
