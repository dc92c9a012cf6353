"""Ending process groups, ours and those a killed gateway left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

_POLL_SECONDS = 0.02
_AFTER_KILL_SECONDS = 5.0


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


async def end_group(group: int, grace_seconds: float) -> bool:
    """SIGTERM to the group, SIGKILL after the grace. True when SIGTERM was enough.

    Returns when no process of the group runs any more.
    """
    if not _send(group, signal.SIGTERM):
        return True
    if await _gone(group, grace_seconds):
        return True
    _send(group, signal.SIGKILL)
    await _gone(group, _AFTER_KILL_SECONDS)
    return False


async def _gone(group: int, seconds: float) -> bool:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while _alive(group):
        if loop.time() >= deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True


def _send(group: int, number: signal.Signals) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # PermissionError: only zombies, on macOS
        return False
    return True


def _alive(group: int) -> bool:
    """Whether anything of the group runs; a zombie that nobody reaps does not count."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    if not Path("/proc/self/stat").exists():
        return True
    return any(_in_group(entry, group) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _in_group(entry: Path, group: int) -> bool:
    try:
        stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    state, _, member_of = stat.rpartition(")")[2].split()[:3]
    return state != "Z" and int(member_of) == group
